// Runs M-Lab's JavaScript client unmodified, both directions, and prints what it told as one JSON
// object. Usage: node ndt7.js ws|wss HOST:PORT. A browser's Worker is a thread here.
'use strict';
const path = require('path');
const {Worker: Thread} = require('worker_threads');

global.Worker = class {
  constructor(file) {
    this.thread = new Thread(path.join(__dirname, 'worker.js'), {workerData: file});
    this.thread.on('message', (data) => this.onmessage({data}));
    this.thread.on('error', (error) => this.onmessage({data: {MsgType: 'error', Error: `${error}`}}));
  }
  postMessage(data) {
    this.thread.postMessage(data);
  }
  terminate() {
    this.thread.terminate();
  }
};

const ndt7 = require('@m-lab/ndt7');
const sources = path.dirname(require.resolve('@m-lab/ndt7'));
const [protocol, server] = process.argv.slice(2);
const told = {errors: [], download: {server_messages: 0}, upload: {server_messages: 0}};
const count = (direction) => (measurement) => {
  if (measurement.Source === 'server') told[direction].server_messages += 1;
};
const keep = (direction) => (last) => Object.assign(told[direction], last);

ndt7.test({
  server,
  protocol,
  mlabDataPolicyInapplicable: true,
  metadata: {client_name: 'tonle-interop'},
  downloadworkerfile: path.join(sources, 'ndt7-download-worker.js'),
  uploadworkerfile: path.join(sources, 'ndt7-upload-worker.js'),
}, {
  error: (error) => told.errors.push(`${error}`),
  downloadMeasurement: count('download'),
  uploadMeasurement: count('upload'),
  downloadComplete: keep('download'),
  uploadComplete: keep('upload'),
}).then((code) => {
  console.log(JSON.stringify({code, ...told}));
  process.exit(code === 0 ? 0 : 1);
});
