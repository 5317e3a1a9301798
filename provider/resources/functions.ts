import { asText, type FunctionOutcome, type ProviderFunction, type Value } from '../core/index.ts';

/** `smtp_url(host, port, username, password)` */
const smtpUrl: ProviderFunction = {
  summary: 'Makes an SMTP URL of its parts',
  description:
    'Returns `smtp://username:password@host:port`, user and password percent-encoded; `smtps://` for port 465, where TLS begins with the first byte.',
  parameters: [
    { name: 'host', type: 'string', description: 'Host name.' },
    { name: 'port', type: 'number', description: 'Port: 587 (STARTTLS) or 465 (TLS).' },
    { name: 'username', type: 'string', description: 'Login name.' },
    { name: 'password', type: 'string', description: 'Password.' },
  ],
  returns: 'string',
  call([host, port, username, password]): FunctionOutcome {
    if (typeof host !== 'string' || !/^[A-Za-z0-9.-]+$|^\[?[0-9A-Fa-f:]+\]?$/.test(host)) {
      return { error: 'host must be a host name or an address', argument: 0 };
    }
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
      return { error: 'port must be a whole number from 1 to 65535', argument: 1 };
    }
    const login = `${encode(username)}:${encode(password)}`;
    const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    return { result: `${port === 465 ? 'smtps' : 'smtp'}://${login}@${name}:${port}` };
  },
};

const MAX_SPF_LOOKUPS = 10;

/** `spf_merge(record, record...)`: RFC 7208 wants one record a name, so several senders share it. */
const spfMerge: ProviderFunction = {
  summary: 'Merges SPF records into one',
  description:
    'Returns one SPF record with the mechanisms of all, in order, without repetition. The `all` of the first record that has one ends it: the policy of the domain stays. Fails above 10 DNS lookups (RFC 7208, 4.6.4).',
  parameters: [
    {
      name: 'record',
      type: 'string',
      description: 'The record that the domain has, such as `v=spf1 mx ~all`.',
    },
  ],
  variadic: { name: 'records', type: 'string', description: 'Records to merge into it.' },
  returns: 'string',
  call(records): FunctionOutcome {
    const mechanisms: string[] = [];
    let all: string | undefined;
    for (const [argument, record] of records.entries()) {
      const [version, ...terms] = asText(record).trim().split(/\s+/);
      if (version?.toLowerCase() !== 'v=spf1')
        return { error: 'an SPF record begins with "v=spf1"', argument };
      all ??= terms.find((term) => /^[+?~-]?all$/i.test(term));
      mechanisms.push(...terms.filter((term) => !/^[+?~-]?all$/i.test(term) && !mechanisms.includes(term)));
    }
    const modifiers = mechanisms.filter((term) => term.includes('='));
    if (modifiers.some((term) => /^redirect=/i.test(term)) && records.length > 1) {
      return { error: 'a record with redirect= cannot be merged: replace it by include:', argument: 0 };
    }
    const lookups = mechanisms.filter((term) =>
      /^[+?~-]?(include|a|mx|ptr|exists)([:/]|$)/i.test(term),
    ).length;
    if (lookups > MAX_SPF_LOOKUPS) {
      return {
        error: `the merged record needs ${lookups} DNS lookups, more than the ${MAX_SPF_LOOKUPS} allowed`,
      };
    }
    const ordered = [
      ...mechanisms.filter((term) => !term.includes('=')),
      ...(all ? [all] : []),
      ...modifiers,
    ];
    return { result: ['v=spf1', ...ordered].join(' ') };
  },
};

const CHUNK_BYTES = 255;

/** `txt_chunks(value)`: a TXT record is a list of strings of 255 bytes at most (RFC 1035, 3.3.14). */
const txtChunks: ProviderFunction = {
  summary: 'Splits a TXT value into strings of 255 bytes',
  description:
    'Returns the strings that make up a TXT record. DNS providers that take long values such as DKIM keys only in parts want these.',
  parameters: [{ name: 'value', type: 'string', description: 'The whole value.' }],
  returns: ['list', 'string'],
  call([value]): FunctionOutcome {
    const chunks: string[] = [];
    let chunk = '';
    // Character by character, so that none is cut in two.
    for (const character of asText(value)) {
      if (Buffer.byteLength(chunk + character) > CHUNK_BYTES) {
        chunks.push(chunk);
        chunk = '';
      }
      chunk += character;
    }
    return { result: chunk === '' && chunks.length > 0 ? chunks : [...chunks, chunk] };
  },
};

export const functions = { smtp_url: smtpUrl, spf_merge: spfMerge, txt_chunks: txtChunks };

function encode(value: Value | undefined): string {
  return encodeURIComponent(typeof value === 'string' ? value : '').replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
