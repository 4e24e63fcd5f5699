// SPDX-License-Identifier: Apache-2.0
#pragma once

// Judges a survey: pure, from what was seen alone. Never from silence: what was not answered is untested.

#include <vector>

#include "diag/survey.hpp"
#include "rules/findings.hpp"

namespace smtpdx::rules {

/// In the order in which people read them: the domain's own records first, then host by host.
std::vector<diag::Finding> judge(const diag::Survey& survey);

// Its parts, one an area or two.
void judge_mx(const diag::Survey& survey, Findings& out);
void judge_hosts(const diag::Survey& survey, Findings& out);  ///< ptr, starttls, tls
void judge_spf(const diag::Survey& survey, Findings& out);
void judge_dmarc(const diag::Survey& survey, Findings& out);
void judge_policies(const diag::Survey& survey, Findings& out);  ///< mta-sts, tlsrpt
void judge_dnssec(const diag::Survey& survey, Findings& out);

}  // namespace smtpdx::rules
