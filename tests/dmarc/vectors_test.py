#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""vectors.txt is what make_vectors.py writes; src/dmarc/vectors_test.cpp runs them."""
import os
import subprocess
import sys

sys.exit(subprocess.run([sys.executable, "-B", os.path.join(os.path.dirname(os.path.abspath(__file__)), "make_vectors.py"),
                         "--check"]).returncode)
