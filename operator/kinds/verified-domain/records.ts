/** The DNS records that a domain needs, as its status lists them, and whether what DNS shows is right. Pure. */
import { createHash } from 'node:crypto';
import type { DnsRecord, VerifiedDomainSpec, VerifiedDomainStatus } from '../../api/index.ts';
import {
  VALID,
  judgeDkim,
  judgeDmarc,
  judgeMx,
  judgeOwnership,
  judgeSpf,
  ownershipText,
  spfMechanism,
  type Judgement,
} from '../../dns/index.ts';
import type { DkimKeyEntry } from './ledger.ts';

export type DnsRecords = NonNullable<VerifiedDomainStatus['dnsRecords']>;
export type RecordSlot = keyof DnsRecords;

export interface RequiredRecord {
  slot: RecordSlot;
  type: 'TXT' | 'MX';
  name: string;
  value: string;
  /** False: `spf: Ignore` and the like; listed, never asked for. */
  isChecked: boolean;
}

export interface RecordNeeds {
  spec: VerifiedDomainSpec;
  /** The domain under verification, which a changed spec does not move. */
  domain: string;
  namespace: string;
  /** Name that clients and receivers know the relay by: its hostname, else its Service name. */
  relayAddress: string;
  hasBounces: boolean;
  keys: Partial<Record<'dkim' | 'dkimEd25519' | 'dkimNext', DkimKeyEntry>>;
}

/** Deterministic: the same declaration always asks for the same records (keys are kept apart and survive). */
export function requiredRecords(needs: RecordNeeds): RequiredRecord[] {
  const { domain, relayAddress, spec, keys } = needs;
  const txt = (slot: RecordSlot, name: string, value: string, isChecked = true): RequiredRecord => ({
    slot,
    type: 'TXT',
    name,
    value,
    isChecked,
  });
  const dkim = (['dkim', 'dkimEd25519', 'dkimNext'] as const).flatMap((slot) => {
    const key = keys[slot];
    return key === undefined ? [] : [txt(slot, `${key.selector}._domainkey.${domain}`, dkimText(key))];
  });
  return [
    txt('ownership', `_migosmtp.${domain}`, ownershipText(ownershipProof(needs))),
    txt('spf', domain, `v=spf1 ${spfMechanism(relayAddress)} ~all`, spec.spf !== 'Ignore'),
    ...dkim,
    txt('dmarc', `_dmarc.${domain}`, 'v=DMARC1; p=none', spec.dmarc !== 'Ignore'),
    ...(needs.hasBounces
      ? [
          returnPath(domain, relayAddress),
          // Receivers ask for the SPF record of the envelope sender: that of the domain says nothing of this one.
          txt(
            'returnPathSpf',
            returnPathDomain(domain),
            `v=spf1 ${spfMechanism(relayAddress)} ~all`,
            spec.spf !== 'Ignore',
          ),
        ]
      : []),
  ];
}

/** Host part of envelope senders while the relay takes bounces. */
export function returnPathDomain(domain: string): string {
  return `bounces.${domain}`;
}

function returnPath(domain: string, relayAddress: string): RequiredRecord {
  const value = `10 ${relayAddress}`;
  return { slot: 'returnPath', type: 'MX', name: returnPathDomain(domain), value, isChecked: true };
}

/** Another relay, namespace or domain asks for another text, so that nobody's record proves another's claim. */
function ownershipProof({ relayAddress, namespace, domain }: RecordNeeds): string {
  const text = JSON.stringify([relayAddress, namespace, domain]);
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

export function dkimText(key: Pick<DkimKeyEntry, 'keyType' | 'publicKey'>): string {
  return `v=DKIM1; k=${key.keyType === 'Ed25519' ? 'ed25519' : 'rsa'}; p=${key.publicKey}`;
}

export function judge(record: RequiredRecord, relayAddress: string, values: readonly string[]): Judgement {
  switch (record.slot) {
    case 'ownership':
      return judgeOwnership(values, record.value);
    case 'spf':
    case 'returnPathSpf':
      return judgeSpf(values, relayAddress);
    case 'dkim':
    case 'dkimEd25519':
    case 'dkimNext':
      return judgeDkim(values, record.value);
    case 'dmarc':
      return judgeDmarc(values);
    case 'returnPath':
      return judgeMx(values, relayAddress);
    default:
      return (record.slot satisfies never, VALID);
  }
}

/** The longest name that a record of the domain would get must still be a DNS name. */
export function longestRecordName(domain: string, selectorLength: number): number {
  return Math.max('_migosmtp.'.length, selectorLength + '._domainkey.'.length) + domain.length;
}

/** Whether status lists exactly these records, whatever their state. */
export function listsAll(present: DnsRecords | undefined, records: readonly RequiredRecord[]): boolean {
  return (
    Object.keys(present ?? {}).length === records.length &&
    records.every((record) => isSame(present?.[record.slot], record))
  );
}

export function isSame(present: DnsRecord | undefined, record: RequiredRecord): present is DnsRecord {
  return present?.name === record.name && present.value === record.value && present.type === record.type;
}
