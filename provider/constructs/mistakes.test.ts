/** Mistakes are named when the code runs or is synthesised: which construct, what is wrong, what to do. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { TerraformStack } from 'cdktf';
import type * as Constructs from './index.ts';
import { CORE_NAMES, load, synth, type Loaded } from './testing/cores.ts';

type Declare = (constructs: typeof Constructs, stack: TerraformStack) => void;

const MISTAKES: [title: string, declare: Declare, message: string | RegExp][] = [
  [
    'a length of time in days',
    ({ Rotation, SmtpAccount }, stack) =>
      new SmtpAccount(stack, 'Web', { rotation: Rotation.revision(1).overlap('2d') }),
    '[mail/Web] rotation.overlap must be a length of time such as "90s", "24h" or "1h30m"',
  ],
  [
    'a name that Kubernetes refuses',
    ({ SmtpAccount }, stack) => new SmtpAccount(stack, 'Web', { name: 'Web_Shop' }),
    '[mail/Web] name must be the name of a Kubernetes object',
  ],
  [
    'a sender that is no address',
    ({ SmtpAccount }, stack) => new SmtpAccount(stack, 'Web', { allowedSenders: ['example.com'] }),
    '[mail/Web] allowedSenders["example.com"] must be an email address, or "*@example.com" for all of a domain',
  ],
  [
    'rules over several fields',
    ({ Rotation, SmtpAccount }, stack) =>
      new SmtpAccount(stack, 'Web', { passwordFrom: { name: 'mine' }, rotation: Rotation.everyDays(90) }),
    '[mail/Web] rotation.interval cannot be used with passwordFrom',
  ],
  [
    'a plan without any figure',
    ({ PlanLimit }, stack) => new PlanLimit(stack, 'Plan', {}),
    '[mail/Plan] a PlanLimit needs a plan or at least one figure',
  ],
  [
    'more pods than embedded storage serves',
    ({ Delivery, SmtpRelay }, stack) =>
      new SmtpRelay(stack, 'Relay', { delivery: Delivery.direct(), replicas: 2 }),
    '[mail/Relay] replicas above 1 needs storage.postgres',
  ],
  [
    'an override that is wrong',
    ({ SmtpAccount }, stack) => new SmtpAccount(stack, 'Web').resource.addOverride('limits', { per_day: 0 }),
    '[mail/Web] limits.perDay must be from 1 to',
  ],
  [
    'half a rotation',
    ({ Rotation }) => Rotation.revision(1.5),
    'Rotation.revision(1.5): give a whole number, at least 0',
  ],
  [
    'a limit of nothing',
    ({ SendingLimit }) => SendingLimit.perDay(0),
    'SendingLimit.perDay(0): give a whole number, at least 1',
  ],
  [
    'two constructs for one object',
    ({ SmtpAccount }, stack) => {
      new SmtpAccount(stack, 'Web', { name: 'shop' });
      new SmtpAccount(stack, 'Shop', { namespace: 'default' });
    },
    'mail/Shop: SmtpAccount default/shop is already declared by mail/Web: give one of them another name',
  ],
  [
    'an id that gives no name',
    ({ SmtpAccount }, stack) => new SmtpAccount(stack, '__'),
    'mail/__: no object name of 1 to 63 characters follows from this: set `name`',
  ],
  [
    'a grant to another workspace',
    ({ SmtpAccount, VerifiedDomain }, stack) => {
      const account = new SmtpAccount(stack, 'Web', { namespace: 'shop' });
      new VerifiedDomain(stack, 'Domain', { domain: 'example.com' }).grantSend(account);
    },
    'set allowedNamespaces, such as AllowedNamespaces.all()',
  ],
  [
    'a grant to an account that is declared elsewhere',
    ({ SmtpAccount, VerifiedDomain }, stack) => {
      const account = SmtpAccount.fromName(stack, 'Web', 'web');
      new VerifiedDomain(stack, 'Domain', { domain: 'example.com' }).grantSend(account);
    },
    'SmtpAccount default/web is declared elsewhere: add *@example.com to its allowedSenders there',
  ],
  [
    'a variable that the Secret does not have',
    ({ SmtpAccount }, stack) =>
      new SmtpAccount(stack, 'Web', { secret: { format: 'Env' } }).declaredSecret.env({ uri: 'MAIL_URL' }),
    'Secret web-smtp has no key "uri": give its account secret.format Both or Binding',
  ],
];

describe.each(CORE_NAMES)('mistakes for %s', (name) => {
  let loaded: Loaded;
  beforeAll(async () => {
    loaded = await load(name);
  }, 120_000);

  test.each(MISTAKES)('%s', (_, declare, message) => {
    expect(() => synth(loaded, (stack) => declare(loaded.constructs, stack))).toThrow(message);
  });

  test('what only Terraform knows is not held against anyone', () => {
    const { Rotation, SmtpAccount } = loaded.constructs;
    const { Fn, TerraformVariable, Token } = loaded.core;
    synth(loaded, (stack) => {
      const text = new TerraformVariable(stack, 'text', { type: 'string' }).stringValue;
      new SmtpAccount(stack, 'Web', {
        name: text,
        allowedSenders: [`*@${text}`],
        rotation: Rotation.revision(Token.asNumber(Fn.parseint(text, 10))).overlap(text),
      });
    });
  });
});
