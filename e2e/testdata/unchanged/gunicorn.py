"""Serves with gunicorn and three workers, each answer made by a child, asks and stops it."""
import os, signal, socket, subprocess, sys, tempfile, time

dir = tempfile.mkdtemp()
with open(dir + "/app.py", "w") as f:
    f.write("""
import subprocess
def app(environ, start_response):
    made = subprocess.run(["sh", "-c", "echo answer to $0; exit 3", environ["PATH_INFO"]], stdout=subprocess.PIPE)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [made.stdout, b"status %d\\n" % made.returncode]
""")
path = dir + "/s"
server = subprocess.Popen(["gunicorn", "--workers=3", "--chdir", dir, "--worker-tmp-dir", dir, "--bind", "unix:" + path, "app:app"], stderr=subprocess.DEVNULL)
for i in range(20):
    while True:
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            break
        except OSError:
            if server.poll() is not None:
                sys.exit("gunicorn ended")
            time.sleep(0.05)
    s.sendall(b"GET /%d HTTP/1.0\r\n\r\n" % i)
    answer = b""
    while data := s.recv(4096):
        answer += data
    print(answer.partition(b"\r\n\r\n")[2].decode(), end="")
server.send_signal(signal.SIGTERM)
print("gunicorn ended with", server.wait())
sys.exit(5)
