import type { PodSecurityContext, SecurityContext } from './types.ts';

/** What a container sees of the file system, beyond the machine's own. */
export interface RootPlan {
  /** Folder to mount on, private to the container. */
  scratch: string;
  hostname: string;
  hostsFolder: string;
  resolvConf: string;
  /** Unpacked Debian packages that appear at their real paths. */
  layers: readonly string[];
  readOnly: boolean;
  mounts: readonly Mount[];
  workingDir: string;
}

export interface Mount {
  source: string;
  target: string;
  readOnly: boolean;
}

/** As whom the container's command runs. */
export interface Identity {
  user: number;
  group: number;
  groups: readonly number[];
  capabilities: readonly string[];
  noNewPrivileges: boolean;
}

/** The capabilities that container runtimes leave to root. */
const usualCapabilities = [
  'chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'setpcap', 'net_bind_service',
  'net_raw', 'sys_chroot', 'mknod', 'audit_write', 'setfcap',
]; // prettier-ignore

/** Joins what the image, the Pod and the container say; the container goes first. */
export function identityOf(
  image: { user?: number; group?: number },
  pod: PodSecurityContext = {},
  container: SecurityContext = {},
): Identity {
  const bare = (name: string) => name.toLowerCase().replace(/^cap_/, '');
  const dropped = (container.capabilities?.drop ?? []).map(bare);
  const kept = dropped.includes('all') ? [] : usualCapabilities.filter((name) => !dropped.includes(name));
  const extra = [...(pod.supplementalGroups ?? []), ...(pod.fsGroup === undefined ? [] : [pod.fsGroup])];
  return {
    user: container.runAsUser ?? pod.runAsUser ?? image.user ?? 0,
    group: container.runAsGroup ?? pod.runAsGroup ?? image.group ?? 0,
    groups: extra,
    capabilities: [...new Set([...kept, ...(container.capabilities?.add ?? []).map(bare)])],
    noNewPrivileges: container.allowPrivilegeEscalation === false,
  };
}

/** The command line that gives up everything that the identity does not have, before it runs the rest. */
export function dropCommand(identity: Identity): string[] {
  const bounding = ['-all', ...identity.capabilities.map((name) => `+${name}`)].join(',');
  return [
    '/usr/bin/setpriv', '--pdeathsig', 'KILL',
    '--reuid', String(identity.user), '--regid', String(identity.group),
    ...(identity.groups.length === 0 ? ['--clear-groups'] : ['--groups', identity.groups.join(',')]),
    '--inh-caps', '-all', '--bounding-set', bounding,
    ...(identity.noNewPrivileges ? ['--no-new-privs'] : []),
    '--',
  ]; // prettier-ignore
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Shell script that builds the container's root in fresh mount and pid namespaces and becomes its command ("$@").
 * The root is an overlay: a small private layer, the machine's `/`; packages lie over its /usr. Nothing written there
 * reaches the machine. With a read-only root the private layer is just one more read-only one. It reports its pid, as the
 * agent sees it, on descriptor 3 as the last thing before the command.
 */
export function containerScript(plan: RootPlan, identity: Identity): string {
  const { scratch, readOnly } = plan;
  const overlay = readOnly ? 'lowerdir=$U:/' : 'lowerdir=/,upperdir=$U,workdir=$T/work';
  return `wanted=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; umask 022
read -r pid rest < /proc/self/stat
T=${quoted(scratch)}; U=$T/upper; R=$T/root
mount -t tmpfs -o mode=755 tmpfs "$T"
mkdir -p "$U/etc/cluster" "$T/work" "$R"
${plan.layers.map((layer) => copyLines(layer)).join('\n')}
ln -s cluster/hosts "$U/etc/hosts"
printf '%s\\n' ${quoted(plan.hostname)} > "$U/etc/hostname"
printf '%s' ${quoted(plan.resolvConf)} > "$U/etc/resolv.conf"
point() {
  if [ -d "$1" ]; then mkdir -p "$2"
  elif [ ! -e "$2" ]; then mkdir -p "\${2%/*}" && : > "$2"; fi
}
${plan.mounts.map((m) => `point ${quoted(m.source)} "$U"${quoted(m.target)}`).join('\n')}
mount -t overlay -o "${overlay}" overlay "$R"
${usrLines(plan)}
mount -t proc proc "$R/proc"
mount -t sysfs -o ro sysfs "$R/sys"
mount --rbind /dev "$R/dev"
mount -t tmpfs -o mode=1777 tmpfs "$R/dev/shm"
for hidden in tmp run root home; do
  if [ -d "$R/$hidden" ]; then mount -t tmpfs -o mode=1777 tmpfs "$R/$hidden"; fi
done
mount --bind ${quoted(plan.hostsFolder)} "$R/etc/cluster"
${plan.mounts.map(mountLines).join('\n')}
${readOnly ? 'for hidden in tmp run root home; do mount -o remount,ro "$R/$hidden" 2>/dev/null || true; done' : ''}
cd "$R"
pivot_root . .
umount -l .
cd ${quoted(plan.workingDir)} 2>/dev/null || cd /
PATH=$wanted
echo "$pid" >&3
exec 3>&-
exec ${dropCommand(identity).map(quoted).join(' ')} "$@"`;
}

/** What a package has outside /usr is little, and becomes part of the private layer. */
function copyLines(layer: string): string {
  return `for part in ${quoted(layer)}/*; do
  if [ ! -L "$part" ] && [ "\${part##*/}" != usr ]; then cp -a "$part" "$U"; fi
done`;
}

/** Packages lie somewhere below `/`, and the kernel takes no two layers of which one contains the other. */
function usrLines({ layers, readOnly }: RootPlan): string {
  if (layers.length === 0) return '';
  const lower = `lowerdir=${[...layers.map((layer) => `${layer}/usr`), '/usr'].join(':')}`;
  const upper = readOnly ? '' : ',upperdir=$T/usr,workdir=$T/usr-work';
  return `mkdir "$T/usr" "$T/usr-work"
mount -t overlay -o "${lower}${upper}" overlay "$R/usr"`;
}

function mountLines({ source, target, readOnly }: Mount): string {
  const at = `"$R"${quoted(target)}`;
  const restrict = readOnly ? `\nmount -o remount,bind,ro ${at}` : '';
  return `point ${quoted(source)} ${at}\nmount --bind ${quoted(source)} ${at}${restrict}`;
}
