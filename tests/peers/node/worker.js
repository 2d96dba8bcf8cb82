// What a browser gives a Worker: `self`, `postMessage` and `WebSocket`; then the script itself.
'use strict';
const fs = require('fs');
const vm = require('vm');
const {parentPort, workerData} = require('worker_threads');

globalThis.self = globalThis;
globalThis.WebSocket = require('ws');
globalThis.postMessage = (data) => parentPort.postMessage(data);
vm.runInThisContext(fs.readFileSync(workerData, 'utf8'), {filename: workerData});
parentPort.on('message', (data) => self.onmessage({data}));
