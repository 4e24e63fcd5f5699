# SPDX-License-Identifier: Apache-2.0
"""All worlds.  Importing this package fills World.ALL."""
from lab.worlds import common, domains, network, policy, providers, recipient, submission  # noqa: F401
