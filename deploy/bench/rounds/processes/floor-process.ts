/** Plain HTTP without anything of ours: takes files and gives one, or sends one and takes one. The least that moving the bytes costs. */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { answerLines, say } from './answer-lines.ts';

export interface FloorSettings {
  /** Null for the server. */
  readonly server: string | null;
  /** What it gives or sends; what comes lies beside it. */
  readonly file: string;
}

const { server, file } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as FloorSettings;
let received = 0;

if (server === null) {
  const listening = createServer(async (incoming, response) => {
    if (incoming.method === 'GET') return void (await pipeline(createReadStream(file), response));
    await pipeline(incoming, createWriteStream(`${file}.${++received}`));
    response.end();
  }).listen(0, '127.0.0.1', () => say(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`));
}

/** Sends the file, and afterwards takes the server's. */
async function exchange(url: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const outgoing = request(url, { method: 'PUT' }, (answer) => answer.resume().once('end', resolve));
    pipeline(createReadStream(file), outgoing).catch(reject);
  });
  await new Promise<void>((resolve, reject) => {
    request(url, (answer) => pipeline(answer, createWriteStream(`${file}.back`)).then(resolve, reject)).end();
  });
}

answerLines(async () => {
  if (server !== null) await exchange(server);
  return true;
});
