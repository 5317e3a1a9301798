/**
 * 8-bit content for a next hop that takes 7-bit only (RFC 6152 section 3).
 * Flow: a first reading finds the parts to encode, and whether that is possible; a second one encodes them. Both are
 * line by line, so that a large message is in memory at no time.
 * Limits: only encodings change. Undefined where more would have to: 8-bit header fields, content that is signed or
 * encrypted as it stands, or what cannot be read as MIME.
 */
export * from './conversion.ts';
