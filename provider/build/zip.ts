import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly content: Buffer;
  /** Permissions, such as 0o755. */
  readonly mode: number;
}

const DEFLATE = 8;
const VERSION = 20;
const MADE_ON_UNIX = 3 << 8;
const REGULAR_FILE = 0o100000;
/** 1980-01-01, the first day that the format knows: the same content gives the same archive. */
const FIRST_DAY = 0x0021;
const UTF8_NAMES = 0x0800;

/** A ZIP archive (APPNOTE.TXT 4.3), with Unix permissions. For less than 4 GB. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, mode } of entries) {
    const path = Buffer.from(name);
    const packed = deflateRawSync(content, { level: 9 });
    const common = shared(content, packed, path);
    const local = Buffer.concat([signature(0x04034b50), common, path, packed]);
    directory.push(
      Buffer.concat([signature(0x02014b50), u16(MADE_ON_UNIX | VERSION), common, tail(mode, offset), path]),
    );
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = [u16(0), u16(0), u16(entries.length), u16(entries.length), u32(central.length), u32(offset)];
  return Buffer.concat([...parts, central, signature(0x06054b50), ...end, u16(0)]);
}

/** What stands in the entry itself and in the directory. */
function shared(content: Buffer, packed: Buffer, path: Buffer): Buffer {
  return Buffer.concat([
    u16(VERSION),
    u16(UTF8_NAMES),
    u16(DEFLATE),
    u16(0),
    u16(FIRST_DAY),
    u32(crc32(content)),
    u32(packed.length),
    u32(content.length),
    u16(path.length),
    u16(0),
  ]);
}

function tail(mode: number, offset: number): Buffer {
  return Buffer.concat([u16(0), u16(0), u16(0), u32(((REGULAR_FILE | mode) << 16) >>> 0), u32(offset)]);
}

function signature(value: number): Buffer {
  return u32(value);
}

function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
