/**
 * Postfix with Dovecot for logins and, where signing is asked for, opendkim: Debian's packages, run in a mount
 * namespace of their own with folders of their own. Every tuning is in the peer's favour.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianPackages } from '../../../cluster/index.ts';
import {
  freePort,
  launch,
  SELECTOR,
  SENDER_DOMAIN,
  stopTree,
  type Subject,
  type SubjectOptions,
  waitForGreeting,
} from './subject.ts';

export const postfixSubject: Subject = {
  name: 'postfix',
  overrides: [
    'in_flow_delay=0',
    'destination concurrency = connections of the load, from the first message on',
    'connection cache for the sink',
    'no limits by anvil',
    'process limit above the connections, max_use 1000',
    'no chroot, no log',
    'login cache in Dovecot',
  ],
  async start(options) {
    const packages = await debianPackages(['postfix', 'dovecot-core', 'opendkim'], (line) =>
      process.stderr.write(`${line}\n`),
    );
    const port = await freePort();
    const { folder } = options;
    const paths = {
      config: join(folder, 'postfix'),
      queue: join(folder, 'queue'),
      data: join(folder, 'data'),
      dovecot: join(folder, 'dovecot'),
      milter: join(folder, 'milter'),
    };
    await Promise.all(Object.values(paths).map((path) => mkdir(path, { recursive: true })));
    await writeFile(join(paths.config, 'main.cf'), mainCf(options, paths));
    await writeFile(join(paths.config, 'master.cf'), masterCf(port));
    await writeFile(join(paths.dovecot, 'dovecot.conf'), dovecotConf(paths));
    await writeFile(join(paths.dovecot, 'users'), dovecotUsers(options));
    await writeFile(join(paths.milter, 'opendkim.conf'), opendkimConf(options, paths));
    const logFile = join(folder, 'postfix.log');
    const script = startScript(paths, options.dkimKeyFile !== undefined);
    const child = launch({ argv: packages.wrap(['sh', '-ec', script]), logFile });
    await waitForGreeting(port, child, logFile);
    return { port, pid: child.pid ?? 0, stop: () => stopTree(child) };
  },
};

interface Paths {
  readonly config: string;
  readonly queue: string;
  readonly data: string;
  readonly dovecot: string;
  readonly milter: string;
}

/** Users exist in this namespace alone. The shell stays, so that all three are in one process tree. */
function startScript(paths: Paths, signs: boolean): string {
  return `
for user in postfix dovecot dovenull; do
  grep -q "^$user:" /etc/passwd || {
    id=$((15000 + $(wc -l < /etc/passwd)))
    echo "$user:x:$id:$id::/nonexistent:/usr/sbin/nologin" >> /etc/passwd
    echo "$user:x:$id:" >> /etc/group
  }
done
grep -q '^postdrop:' /etc/group || echo 'postdrop:x:15999:' >> /etc/group
cd ${paths.queue}
mkdir -p active bounce corrupt defer deferred flush hold incoming maildrop private public saved trace pid
chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace maildrop public ${paths.data}
chgrp postdrop maildrop public
chmod 700 active bounce corrupt defer deferred flush hold incoming private saved trace
chmod 730 maildrop
chmod 710 public
dovecot -F -c ${paths.dovecot}/dovecot.conf &
${signs ? `opendkim -f -x ${paths.milter}/opendkim.conf &` : ''}
while [ ! -S private/auth ]; do sleep 0.02; done
/usr/lib/postfix/sbin/master -d -c ${paths.config} &
wait`;
}

function mainCf({ sinkPort, connections, tls, dkimKeyFile }: SubjectOptions, paths: Paths): string {
  const processes = connections * 2 + 20;
  const nextHop = `[127.0.0.1]:${sinkPort}`;
  return `compatibility_level = 3.6
queue_directory = ${paths.queue}
data_directory = ${paths.data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.example
mydestination =
mynetworks = 192.0.2.1/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
message_size_limit = 26214400
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = ${tls.certFile}
smtpd_tls_key_file = ${tls.keyFile}
smtpd_tls_mandatory_protocols = >=TLSv1.3
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_peername_lookup = no
relayhost = ${nextHop}
smtp_connection_cache_destinations = ${nextHop}
smtp_dns_support_level = disabled
smtp_tls_security_level = none
default_process_limit = ${processes}
max_use = 1000
in_flow_delay = 0
qmgr_message_active_limit = 20000
default_destination_concurrency_limit = ${connections}
smtp_destination_concurrency_limit = ${connections}
initial_destination_concurrency = ${connections}
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_client_recipient_rate_limit = 0
smtpd_client_new_tls_session_rate_limit = 0
smtpd_client_auth_rate_limit = 0
${dkimKeyFile ? `smtpd_milters = unix:${paths.milter}/socket\nmilter_default_action = tempfail\n` : ''}`;
}

function masterCf(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
`;
}

function dovecotConf({ dovecot, queue }: Paths): string {
  return `protocols =
base_dir = ${dovecot}/run
state_dir = ${dovecot}/state
log_path = ${dovecot}/log
ssl = no
auth_mechanisms = plain login
auth_cache_size = 1M
disable_plaintext_auth = no
passdb {
  driver = passwd-file
  args = scheme=SHA256 ${dovecot}/users
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}
service auth {
  unix_listener ${queue}/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
`;
}

function dovecotUsers({ logins }: SubjectOptions): string {
  return logins.map(({ username, password }) => `${username}:{PLAIN}${password}:::::\n`).join('');
}

/** As a user of Debian's package has it: relaxed, one key, all of the domain. */
function opendkimConf({ dkimKeyFile }: SubjectOptions, { milter }: Paths): string {
  return `Mode s
Canonicalization relaxed/relaxed
Domain ${SENDER_DOMAIN}
Selector ${SELECTOR}
KeyFile ${dkimKeyFile ?? '/nonexistent'}
Socket local:${milter}/socket
UMask 000
Syslog no
OversignHeaders From
InternalHosts 127.0.0.1
RequireSafeKeys no
`;
}
