// Three workers, each of which starts programs one after the other and at once.
const cluster = require('cluster'), { execFile, spawnSync } = require('child_process');
if (cluster.isMaster) {
  const results = [];
  let left = 3;
  cluster.on('exit', (worker, code, signal) => {
    results.push(`worker ended with ${code} ${signal}`);
    if (--left === 0) {
      console.log(results.sort().join('\n'));
      process.exit(6);
    }
  });
  cluster.on('message', (worker, text) => results.push(text));
  for (let i = 0; i < 3; i++) cluster.fork();
} else {
  const codes = [];
  for (let i = 0; i < 10; i++) codes.push(spawnSync('sh', ['-c', `exit ${i}`]).status);
  let open = 10;
  for (let i = 0; i < 10; i++) {
    execFile('sh', ['-c', `echo ${i}; kill -${i + 1} $$`], (err, out) => {
      codes[10 + i] = `${out.trim()} ${err && err.signal}`;
      if (--open === 0) process.send(codes.join(), () => process.exit(4));
    });
  }
}
