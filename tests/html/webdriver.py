"""Chromium through chromedriver's HTTP interface (W3C WebDriver), with the standard library alone."""
import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request


class Browser:
    """A headless Chromium; use as a context manager."""

    def __init__(self, width=1280, height=1000, dark=False, scripts=True):
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
        options = {"args": arguments}
        if not scripts:
            options["prefs"] = {"profile.managed_default_content_settings.javascript": 2}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        for left in (2, 1, 0):  # on a busy machine a browser may start too slowly for its driver
            self.session = None
            self.start_driver()
            try:
                self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}}, session=False)["sessionId"]
                return
            except (urllib.error.URLError, ConnectionError, RuntimeError, TimeoutError):
                self.stop()
                if not left:
                    raise

    def start_driver(self):
        """On a port that is free; its own words tell when it listens, and where"""
        self.home = tempfile.mkdtemp(prefix="immure-browser-")
        self.driver = subprocess.Popen([shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       env={**os.environ, "HOME": self.home, "LC_ALL": "C.UTF-8"})
        said = ""
        for line in self.driver.stdout:
            said += line
            m = re.search(r"started successfully on port (\d+)", line)
            if m:
                self.port = int(m[1])
                threading.Thread(target=self.driver.stdout.read, daemon=True).start()
                return
        raise RuntimeError("chromedriver does not start: " + said)

    def stop(self):
        self.driver.terminate()
        try:
            self.driver.wait(60)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method, path, body=None, session=True):
        url = f"http://127.0.0.1:{self.port}" + (f"/session/{self.session}" if session else "") + path
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as e:
            raise RuntimeError(json.load(e)["value"]["message"]) from e

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def element(self, css):
        return next(iter(self.call("POST", "/element", {"using": "css selector", "value": css}).values()))

    def click(self, css):
        self.call("POST", f"/element/{self.element(css)}/click")

    def type(self, css, text):
        self.call("POST", f"/element/{self.element(css)}/value", {"text": text})

    def source(self):
        return self.call("GET", "/source")

    def log(self):
        return [e for e in self.call("POST", "/se/log", {"type": "browser"}) if e["level"] in ("SEVERE", "WARNING")]

    def print(self):
        return base64.b64decode(self.call("POST", "/print", {}))

    def screenshot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("GET", "/screenshot")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self.call("DELETE", "")
        finally:
            self.stop()
