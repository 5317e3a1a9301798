import { describe, expect, it } from '@jest/globals';
import { signature } from './signature.ts';

describe('signature', () => {
  // The example of the specification's reference libraries.
  const example = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestampS: 1614265330,
    body: '{"test": 2432232314}',
  };

  it('is the one of the specification for its example', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    expect(signature(secret, example)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('takes any other text as the key, and changes with each part', () => {
    const all = [
      signature('secret', example),
      signature('secret2', example),
      signature('secret', { ...example, id: 'msg_2' }),
      signature('secret', { ...example, timestampS: 1 }),
      signature('secret', { ...example, body: '{}' }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
