# SPDX-License-Identifier: Apache-2.0
"""Dovecot as the judge of passwords: an authentication socket, no mail protocol."""
import os

USERS = {"alice": "secret", "carol": "hunter2"}
# dave's password (secret) is kept as a hash: enough for PLAIN, useless for CRAM-MD5, which needs the password itself.
HASHED = {"dave": "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="}
MECHANISMS = "plain login cram-md5 digest-md5 scram-sha-256"

CONFIG = """\
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {log}/dovecot.log
protocols =
ssl = no
auth_mechanisms = {mechanisms}
disable_plaintext_auth = no
auth_failure_delay = 0
auth_username_format = %n
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {dir}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener auth-client {{
    mode = 0666
  }}
}}
# Otherwise each wrong password makes every later login from that address wait, up to 15 s.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


def make(folder, log):
    os.makedirs(os.path.join(folder, "run"))
    with open(os.path.join(folder, "users"), "w") as f:
        f.writelines("%s:{PLAIN}%s\n" % pair for pair in USERS.items())
        f.writelines("%s:%s\n" % pair for pair in HASHED.items())
    path = os.path.join(folder, "lab-dovecot.conf")      # not dovecot.conf: see base_dir's symlink
    with open(path, "w") as f:
        f.write(CONFIG.format(dir=folder, log=log, mechanisms=MECHANISMS))
    return path, os.path.join(folder, "run", "auth-client")
