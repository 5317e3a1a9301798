import { inflateRawSync } from 'node:zlib';

const CENTRAL_ENTRY = 0x02014b50;
const STORED = 0;

/** Members of a zip archive, unpacked: as much of the format as plan files use. */
export function unzip(archive: Buffer): { name: string; content: Buffer }[] {
  const members: { name: string; content: Buffer }[] = [];
  for (let at = directoryStart(archive); archive.readUInt32LE(at) === CENTRAL_ENTRY;) {
    const method = archive.readUInt16LE(at + 10);
    const size = archive.readUInt32LE(at + 20);
    const nameLength = archive.readUInt16LE(at + 28);
    const local = archive.readUInt32LE(at + 42);
    const data = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const packed = archive.subarray(data, data + size);
    members.push({
      name: archive.toString('utf8', at + 46, at + 46 + nameLength),
      content: method === STORED ? packed : inflateRawSync(packed),
    });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return members;
}

function directoryStart(archive: Buffer): number {
  const end = archive.lastIndexOf(Buffer.from('PK\u0005\u0006', 'latin1'));
  if (end === -1) throw new Error('not a zip archive');
  return archive.readUInt32LE(end + 16);
}
