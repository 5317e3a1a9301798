import { describe, expect, it } from '@jest/globals';
import { auditBook, type Ended, type Submitted } from './account-book.ts';

const message = (name: string, more = '') => `From: a@x\r\nX-Book: ${name}\r\n${more}\r\nbody of ${name}\r\n`;
const arrived = (name: string, id = name) =>
  `Received: from x\r\n\tby y\r\nMessage-ID: <${id}>\r\n${message(name)}`;
const sent = (name: string, answer: Submitted['answer'] = 250) => ({ name, answer, data: message(name) });

const cases: [string, Submitted[], Partial<Ended>, RegExp[]][] = [
  ['delivered once', [sent('a')], { arrived: [arrived('a')] }, []],
  ['acknowledged and gone', [sent('a')], {}, [/^I1 a/]],
  ['acknowledged and queued, or bounced', [sent('a'), sent('b')], { queued: ['a'], bounced: ['b'] }, []],
  ['refused and gone', [sent('a', 452)], {}, []],
  ['refused and delivered', [sent('a', 452)], { arrived: [arrived('a')] }, [/^I2 a/]],
  [
    'unknown, once or not at all',
    [sent('a', 'unknown'), sent('b', 'unknown')],
    { arrived: [arrived('a')] },
    [],
  ],
  ['never submitted', [], { arrived: [arrived('a')] }, [/^I2 a/]],
  ['twice where once may be', [sent('a')], { arrived: [arrived('a'), arrived('a')] }, []],
  [
    'three times where twice may be',
    [sent('a')],
    { arrived: [arrived('a'), arrived('a'), arrived('a')] },
    [/^I3 2/],
  ],
  [
    'twice under other names',
    [sent('a')],
    { arrived: [arrived('a', '1'), arrived('a', '2')] },
    [/^I3 a.*Message-ID/],
  ],
  ['other bytes', [sent('a')], { arrived: [arrived('a').replace('body', 'bOdy')] }, [/^I4 a/]],
  ['a field lost', [sent('a')], { arrived: [arrived('a').replace('From: a@x\r\n', '')] }, [/^I4 a/]],
];

describe('account book', () => {
  it.each(cases)('%s', (_, submitted, ended, expected) => {
    const problems = auditBook(submitted, { arrived: [], allowedDuplicates: 1, ...ended });
    expect(problems).toHaveLength(expected.length);
    for (const [i, pattern] of expected.entries()) expect(problems[i]).toMatch(pattern);
  });
});
