#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""script/lint finds a planted violation of each kind, and nothing in a tree that keeps the rules."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
LINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "script", "lint")
_loader = importlib.machinery.SourceFileLoader("lint", LINT)
lint = importlib.util.module_from_spec(importlib.util.spec_from_loader("lint", _loader))
_loader.exec_module(lint)

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
CLEAN = {
    "base/text.hpp": "#include <string>\n",
    "io/facts.hpp": '#include "base/text.hpp"\n',
    "io/net.hpp": '#include "base/text.hpp"\n',
    "smtp/reply.hpp": '#include "io/facts.hpp"\n',
    "smtp/session.hpp": '#include "io/net.hpp"\n',
    "diag/report.hpp": '#include "smtp/reply.hpp"\n#include "io/facts.hpp"\n',
    "rules/relay.cpp": '#include "diag/report.hpp"\n#include "base/text.hpp"\n',
    "probes/smtp.cpp": '#include "smtp/session.hpp"\n#include "diag/report.hpp"\n',
    "engine/run.cpp": '#include "probes/p.hpp"\n#include "rules/r.hpp"\n',
}


class LintTest(unittest.TestCase):
    def problems(self, extra, check=lint.check_floors):
        with tempfile.TemporaryDirectory() as root:
            for name, text in {**CLEAN, **extra}.items():
                path = os.path.join(root, lint.SOURCE, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as f:
                    f.write(LICENCE + text)
            return check(root)

    def caught(self, extra, *words):
        found = self.problems(extra)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def test_a_tree_that_keeps_the_rules_is_clean(self):
        self.assertEqual(self.problems({}), [])

    def test_an_include_that_looks_up(self):
        self.caught({"base/ip.cpp": '#include "trace/log.hpp"\n'}, "base/ip.cpp:2:", "looks up")
        self.caught({"smtp/x.cpp": '#include "probes/p.hpp"\n'}, "looks up")
        self.caught({"smtp/x.cpp": '#include "src/engine/e.hpp"\n'}, "looks up")

    def test_neighbours_on_floor_5(self):
        for here in lint.FLOOR_5:
            for there in lint.FLOOR_5:
                if here != there:
                    self.caught({here + "/a.cpp": '#include "%s/b.hpp"\n' % there}, "neighbour")

    def test_what_is_lower_but_not_in_the_row(self):
        self.caught({"kb/x.cpp": '#include "trace/log.hpp"\n'}, "not in its row")
        self.caught({"render/x.cpp": '#include "smtp/reply.hpp"\n'}, "not in its row")
        self.caught({"cli/x.cpp": '#include "rules/r.hpp"\n'}, "not in its row")

    def test_a_rule_that_reaches_a_door_through_other_headers(self):
        self.caught({"diag/case.hpp": '#include "smtp/step.hpp"\n', "smtp/step.hpp": '#include "io/net.hpp"\n'},
                    "diag/case.hpp:2:", "smtp/step.hpp -> io/net.hpp")
        found = self.problems({"diag/case.hpp": '#include "smtp/step.hpp"\n', "smtp/step.hpp": "#include <sys/socket.h>\n",
                               "rules/new.cpp": '\n#include "base/text.hpp"\n#include "diag/case.hpp"\n'})
        self.assertEqual([p.split(": ")[0] for p in found], [lint.SOURCE + "/diag/case.hpp:2",
                                                             lint.SOURCE + "/rules/new.cpp:4"])

    def test_every_door_is_seen_from_rules_and_render(self):
        for door in ["<boost/asio.hpp>", "<boost/asio/ip/tcp.hpp>", "<sys/socket.h>", "<netdb.h>", "<unbound.h>",
                     "<arpa/inet.h>", "<openssl/ssl.h>"]:
            for here in ["rules", "render"]:
                self.caught({here + "/x.cpp": "#include %s\n" % door}, "must not reach the world")

    def test_a_rule_that_asks_the_clock(self):
        self.caught({"rules/x.cpp": "auto now = std::chrono::system_clock::now();\n"}, "is pure")
        self.caught({"rules/x.cpp": 'auto home = getenv ("HOME");\n'}, "is pure")
        self.assertEqual(self.problems({"rules/x.cpp": 'auto t = reply.time(); say("time(s)");  // clock::now()\n'}), [])

    def test_a_directory_without_a_row(self):
        self.caught({"misc/x.cpp": ""}, "on no floor")

    def test_odd_spellings(self):
        self.caught({"base/x.cpp": '#include "text.hpp"\n'}, 'write "base/text.hpp"')
        self.caught({"base/x.cpp": '#include "../base/text.hpp"\n'}, 'write "floor/file.hpp"')
        self.caught({"base/x.cpp": '  #  include   "io/net.hpp"\n'}, "looks up")

    def test_the_build_links_no_more_than_the_table_allows(self):
        with tempfile.TemporaryDirectory() as root:
            with open(os.path.join(root, "CMakeLists.txt"), "w") as f:
                f.write("smtpdx_floor(base)\nsmtpdx_floor(io DEPENDS base trace LIBS smtpdx_boost)\n"
                        "smtpdx_floor(rules   DEPENDS base kb diag io)\nsmtpdx_floor(misc DEPENDS base)\n")
            self.assertEqual(lint.check_build(root), [
                "CMakeLists.txt:3: rules depends on io, which is not in its row",
                "CMakeLists.txt:4: misc is on no floor; give it a row in script/lint"])

    def test_the_table_itself_looks_down(self):
        for here, (level, allowed) in lint.FLOORS.items():
            for there in allowed:
                self.assertIn(there, lint.FLOORS, here)
                self.assertLessEqual(lint.FLOORS[there][0], level, (here, there))
        for here in lint.FLOOR_5:
            self.assertFalse(set(lint.FLOORS[here][1]) & set(lint.FLOOR_5), here)

    def test_no_cycles_in_the_table(self):
        for here, (_, allowed) in lint.FLOORS.items():
            for there in allowed:
                self.assertNotIn(here, lint.FLOORS[there][1], (here, there))

    def test_the_licence_line(self):
        with tempfile.TemporaryDirectory() as root:
            for name, text in {"a.cpp": "int x;\n", "b.py": "#!/usr/bin/env python3\n# " + lint.LICENCE + "\n", "c.hpp": LICENCE}.items():
                with open(os.path.join(root, name), "w") as f:
                    f.write(text)
            self.assertEqual(lint.check_spdx(root), ["a.cpp:1: lacks the line " + lint.LICENCE])

    def test_the_format(self):
        if not lint.shutil.which("clang-format-19"):
            self.skipTest("clang-format-19 is not installed")
        with tempfile.TemporaryDirectory() as root:
            for name, text in {"a.cpp": "int  x ;\n", "b.cpp": "int x;\n"}.items():
                with open(os.path.join(root, name), "w") as f:
                    f.write(text)
            self.assertEqual(lint.check_format(root), ["a.cpp:1: not formatted (script/format)"])

    def test_the_exit_code(self):
        for text, code in {'#include "io/net.hpp"\n': 1, "": 0}.items():
            with tempfile.TemporaryDirectory() as root:
                os.makedirs(os.path.join(root, lint.SOURCE, "base"))
                with open(os.path.join(root, lint.SOURCE, "base", "x.cpp"), "w") as f:
                    f.write(LICENCE + text)
                done = subprocess.run([sys.executable, "-B", LINT, "--floors", "--root", root], capture_output=True, text=True)
                self.assertEqual(done.returncode, code, done.stdout)


if __name__ == "__main__":
    unittest.main()
