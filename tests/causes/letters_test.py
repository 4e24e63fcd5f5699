# SPDX-License-Identifier: Apache-2.0
"""explain --letter in five languages, and --for: what each reader gets, and what not."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

SMTPDX = os.environ["SMTPDX"]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BOUNCE = str(ROOT / "tests" / "data" / "bounces" / "s12_forward_to_closed_host.eml")
SWITCH = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."


def explain(*args):
    run = subprocess.run([SMTPDX, "explain", *args], capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    return run.returncode, run.stdout, run.stderr


class Letters(unittest.TestCase):
    def test_every_language_greets_and_quotes_the_refusal(self):
        for language, greeting in (("en", "Hello,"), ("de", "Guten Tag,"), ("es", "Buenos días:"), ("fr", "Bonjour,"), ("ja", "お世話になっております")):
            code, out, _ = explain(BOUNCE, "--letter", language)
            self.assertEqual(code, 1)
            self.assertIn(greeting, out)
            self.assertRegex(out, r"\n +5\d\d ")
            self.assertTrue(out.startswith("To: postmaster@"), out[:80])
            self.assertFalse(re.search(r"\{[a-z_]+\}", out), out)

    def test_the_language_can_stand_in_an_option_of_its_own(self):
        self.assertEqual(explain(BOUNCE, "--letter", "fr")[1], explain(BOUNCE, "--letter", "--lang", "fr")[1])

    def test_a_file_behind_letter_is_a_file(self):
        code, out, _ = explain("--letter", BOUNCE)
        self.assertEqual(code, 1)
        self.assertIn("Hello,", out)

    def test_an_unknown_language_is_a_usage_error(self):
        code, _, err = explain("--letter", "xx", "--text", SWITCH)
        self.assertEqual(code, 2)
        self.assertIn("known: en, de, es, fr, ja", err)

    def test_where_nothing_is_settled_it_asks_and_claims_nothing(self):
        for language, words in (("en", "Could you tell us why"), ("de", "Können Sie uns sagen"), ("ja", "理由をお知らせ")):
            _, out, _ = explain("--text", "550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 Relaying denied",
                                "--to", "bob@fabrikam.example", "--letter", language)
            self.assertTrue(out.startswith("To: postmaster@fabrikam.example\n"), out)
            self.assertIn(words, out)
            self.assertNotIn("SPF", out)

    def test_to_the_own_admin(self):
        _, out, _ = explain("--text", SWITCH, "--letter", "es", "--from", "app@contoso.example")
        self.assertTrue(out.startswith("To: el administrador de nuestro propio sistema de correo\n"), out[:90])
        self.assertIn("Set-CASMailbox", out)


class Audiences(unittest.TestCase):
    def test_the_sender_reads_no_codes(self):
        code, out, _ = explain("--text", SWITCH, "--for", "sender")
        self.assertEqual(code, 1)
        self.assertIn("was not delivered", out)
        self.assertIn("the admin of your Microsoft 365 tenant", out)
        self.assertNotIn("5.7.139", out)
        self.assertNotIn("m365.", out)

    def test_the_sender_is_not_told_a_guess(self):
        _, out, _ = explain("--text", "554 5.7.1 <bob@fabrikam.example>: Relay access denied", "--for", "sender")
        self.assertIn("not certain", out)

    def test_a_delay_is_no_failure(self):
        _, out, _ = explain("--text", "454 4.7.1 <bob@fabrikam.example>: Relay access denied", "--for", "sender")
        self.assertIn("has not arrived yet", out)

    def test_the_helpdesk_gets_questions_and_whom_to_hand_it_to(self):
        _, out, _ = explain("--text", SWITCH, "--for", "helpdesk")
        for words in ("Server's words", "m365.smtp_auth_disabled, likely", "Hand over to", "Ask the caller for", "Not to be taken for"):
            self.assertIn(words, out)

    def test_the_admin_gets_all_products(self):
        _, out, _ = explain("--text", SWITCH, "--for", "admin")
        self.assertIn("Set-CASMailbox", out)
        self.assertIn("with printer:", out)


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=[sys.argv[0]])
