#!/usr/bin/env node
import { runWithPinnedNode } from '@wardround/shared/launch/run-with-pinned-node.js';

await runWithPinnedNode(new URL('../cli/main.ts', import.meta.url));
