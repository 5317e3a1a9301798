/**
 * The message as bytes: its header read strictly, rewritten once at acceptance, its body only passed through.
 * Flow: session feeds DATA through `Ingress`; what comes out is stored and delivered as it is.
 * Limits: pure; a header that different readers would read differently is refused, not guessed at.
 */
export * from './header.ts';
export * from './addresses.ts';
export * from './rewrite.ts';
export * from './ingress.ts';
export * from './quoted-printable.ts';
