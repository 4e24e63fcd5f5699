// SPDX-License-Identifier: Apache-2.0
// An address or a domain was typed: would mail there be accepted?
import { Prove } from "../parts/prove";
import { usePage } from "../router";
import { t } from "../strings";
import type { Meta } from "../types";

export function TargetPage({ what, meta }: { what: string; meta: Meta }) {
  usePage(t.target.page);
  const address = what.includes("@");
  return (
    <>
      <h1>{t.target.title(what)}</h1>
      <p class="lead">{address ? t.target.lead : t.target.domainLead}</p>
      <section class="panel">
        <Prove known={{ to: address ? what : `postmaster@${what}` }} meta={meta} button={t.prove.start} />
      </section>
    </>
  );
}
