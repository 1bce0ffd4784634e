// A converter for every picture, from a loop that never gives the event loop its
// turn: Node.js waits for its children there.
//
// With "fixed" it does, as the doctor advises.
const { spawn } = require('child_process');

const fixed = process.argv.includes('fixed');
const cell = new Int32Array(new SharedArrayBuffer(4));

function convert(n) {
  const child = spawn('sh', ['-c', 'exit 0', `picture-${n}.png`]);
  child.on('exit', () => {});
}

async function main() {
  for (let n = 0; ; n++) {
    convert(n);
    if (fixed) await new Promise((done) => setTimeout(done, 250));
    else Atomics.wait(cell, 0, 0, 250);
    if (n === 20) require('fs').writeSync(1, 'settled\n');
  }
}

main();
