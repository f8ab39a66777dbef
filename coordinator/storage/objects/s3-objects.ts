/**
 * Objects in a bucket of Amazon S3, or of any store that speaks its protocol. Keys, region and another endpoint come from the
 * standard variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL) or the machine's own role.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ObjectStore } from './object-store.ts';

export interface S3Place {
  readonly bucket: string;
  /** Empty, or ends in a slash. */
  readonly prefix: string;
}

/** Larger objects go in parts of this size. */
const partBytes = 16 << 20;
const partsAtOnce = 4;
const attempts = 5;
const defaultRegion = 'us-east-1';

export function openS3Objects({ bucket, prefix }: S3Place): ObjectStore & { close(): void } {
  const hasEndpoint = Boolean(process.env['AWS_ENDPOINT_URL_S3'] || process.env['AWS_ENDPOINT_URL']);
  const client = new S3Client({
    region: process.env['AWS_REGION'] || process.env['AWS_DEFAULT_REGION'] || defaultRegion,
    // Other stores have no host name for every bucket, and few know the newest checksums; blobs have their own.
    forcePathStyle: hasEndpoint,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: attempts,
  });
  const at = (name: string) => ({ Bucket: bucket, Key: prefix + name });

  return {
    async put(name, content) {
      const Body = 'file' in content ? createReadStream(content.file) : content;
      const params = { ...at(name), Body };
      await new Upload({ client, params, partSize: partBytes, queueSize: partsAtOnce }).done();
    },
    async get(name, range) {
      const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end}`;
      const answer = await client.send(new GetObjectCommand({ ...at(name), Range })).catch(ifMissing);
      return answer === null ? null : (answer.Body as Readable);
    },
    async look(name) {
      const answer = await client.send(new HeadObjectCommand(at(name))).catch(ifMissing);
      if (answer === null) return null;
      return { name, bytes: answer.ContentLength ?? 0, modifiedMillis: answer.LastModified?.getTime() ?? 0 };
    },
    async *list(beginning) {
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix + beginning, ContinuationToken }),
        );
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
          yield { name: Key.slice(prefix.length), bytes: Size, modifiedMillis: LastModified?.getTime() ?? 0 };
        }
        ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (ContinuationToken !== undefined);
    },
    async remove(name) {
      await client.send(new DeleteObjectCommand(at(name)));
    },
    close: () => client.destroy(),
  };
}

function ifMissing(error: unknown): null {
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return null;
  throw error;
}
