import { expect, test } from '@jest/globals';
import { errorOfAnswer } from './errors.ts';

const USER = 'User "system:serviceaccount:migosmtp-system:migosmtp-operator"';
const said = (message: string, status = 403): string => {
  const request = { method: 'POST', path: '/api/v1/namespaces/team/secrets', sensitive: true };
  const body = JSON.stringify({ kind: 'Status', reason: 'Forbidden', message });
  return errorOfAnswer(request, status, body, undefined).message;
};

test.each([
  [
    'a full quota',
    'secrets "app-smtp" is forbidden: exceeded quota: few, requested: secrets=1, used: secrets=9, limited: secrets=9',
    'exceeded quota: few, requested: secrets=1, used: secrets=9, limited: secrets=9',
  ],
  [
    'a right that is missing',
    `secrets "app-smtp" is forbidden: ${USER} cannot create resource "secrets" in API group "" in the namespace "team"`,
    `${USER} cannot create resource "secrets" in API group "" in the namespace "team"`,
  ],
  [
    'a namespace that is going',
    'secrets "app-smtp" is forbidden: unable to create new content in namespace team because it is being terminated',
    'unable to create new content in namespace team because it is being terminated',
  ],
])('an error about a Secret tells of %s', (_, message, told) => {
  expect(said(message)).toBe(`POST /api/v1/namespaces/team/secrets was answered with 403 Forbidden: ${told}`);
});

test.each([
  'admission webhook "scan.example.com" denied the request: value "hunter2hunter2" looks like a password',
  'secrets "app-smtp" is forbidden: exceeded quota: few, because of "hunter2hunter2"',
  'Secret "app-smtp" is invalid: data[password]: Invalid value: "hunter2hunter2"',
])('and repeats nothing that could quote it: %s', (message) => {
  expect(said(message)).toBe('POST /api/v1/namespaces/team/secrets was answered with 403 Forbidden');
});
