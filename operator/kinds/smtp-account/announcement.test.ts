import { expect, test } from '@jest/globals';
import { API_VERSION, type SmtpAccount } from '../../api/index.ts';
import type { MintCause } from './actions.ts';
import { announcement } from './announcement.ts';

const account: SmtpAccount = {
  apiVersion: API_VERSION,
  kind: 'SmtpAccount',
  metadata: { name: 'app', namespace: 'team' },
  spec: {},
};
const previous = [
  { id: 'r1-a', revision: 1, validUntil: '2026-06-01T10:00:00Z' },
  { id: 'r2-b', revision: 2, validUntil: '2026-06-02T10:00:00Z' },
];

test('says where the password is, why, and until when the one before logs in', () => {
  expect(announcement(account, { cause: 'Rotated', revision: 3, previous })).toEqual({
    type: 'Normal',
    reason: 'NewPassword',
    message:
      'a new password, revision 3, is in Secret app-smtp: spec.rotation.revision was raised; revision 2 logs in until 2026-06-02T10:00:00Z',
  });
});

test('without an overlap it says so', () => {
  expect(announcement(account, { cause: 'IntervalPassed', revision: 2, previous: [] })?.message).toMatch(
    /no earlier one logs in$/,
  );
});

test.each<[MintCause, string | undefined]>([
  ['SecretDeleted', 'Warning'],
  ['SecretEdited', 'Warning'],
  ['PasswordChanged', 'Normal'],
  ['Created', undefined],
  ['Reset', undefined],
])('%s is told as %s', (cause, type) => {
  expect(announcement(account, { cause, revision: 2, previous })?.type).toBe(type);
});
