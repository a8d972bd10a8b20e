"""A headless Chromium of its own profile, driven by WebDriver, that trusts the bank's certificate and no other.

(B1) the browser accepts an unknown certificate only for the public key of the bank's own one, which Python's TLS has
verified against the development CA before; every other certificate error stays an error. (B2) it finds no host but
localhost: no component updates, no sync, no background requests.
"""

import base64
import hashlib
import json
import socket
import ssl
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PAGE_SECONDS_MAX = 30
NARROW_PIXELS = 320  # WCAG 2.2, 1.4.10: no sideways scrolling at this width
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--window-size=900,900",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
)
SCRIPTS_BLOCKED = {"profile.managed_default_content_settings.javascript": 2}

# What every page owes to somebody who does not see it; each entry is a fault.
PAGE_FAULTS = """
    const faults = [], all = (selector) => [...document.querySelectorAll(selector)];
    if (!document.documentElement.lang) faults.push('html has no lang');
    if (!document.title.trim()) faults.push('no title');
    if (all('h1').length !== 1) faults.push(all('h1').length + ' h1');
    if (all('main').length !== 1) faults.push(all('main').length + ' main');
    for (const field of all('input:not([type=hidden]), select, textarea'))
        if (![...(field.labels || [])].some((label) => label.textContent.trim()))
            faults.push('no label: ' + field.outerHTML);
    for (const button of all('button')) if (!button.textContent.trim()) faults.push('no text: ' + button.outerHTML);
    for (const image of all('img')) if (!image.hasAttribute('alt')) faults.push('no alt: ' + image.outerHTML);
    const ids = all('[id]').map((element) => element.id);
    if (new Set(ids).size !== ids.length) faults.push('an id is there twice');
    if (all('script, [style], style').length) faults.push('script or style in the page');
    return faults;
"""
SIDEWAYS = "return document.scrollingElement.scrollWidth - document.documentElement.clientWidth"


# Ways of looking at a page: its width in CSS pixels (at 200 %, 900 become 450), and what the person prefers.
WAYS = {
    "light": (900, {"prefers-color-scheme": "light"}),
    "dark": (900, {"prefers-color-scheme": "dark"}),
    "more contrast": (900, {"prefers-color-scheme": "light", "prefers-contrast": "more"}),
    "more contrast in the dark": (900, {"prefers-color-scheme": "dark", "prefers-contrast": "more"}),
    "at 200 %": (450, {"prefers-color-scheme": "light"}),
    "narrow": (NARROW_PIXELS, {"prefers-color-scheme": "dark"}),
}
AXE_RUN = """
    const done = arguments[arguments.length - 1];
    const only = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    axe.run(document, { runOnly: { type: 'tag', values: only }, preload: false }).then((found) => done(
        [...found.violations, ...found.incomplete.filter((rule) => rule.id === 'color-contrast')].map((rule) =>
            rule.id + ': ' + rule.nodes.map((node) => node.html + ' ' + node.failureSummary).join('; '))),
        (error) => done(['axe: ' + error]));
"""
# WCAG 2.2, 2.5.8: what is pressed is 24 px high and wide; links in a sentence are excepted.
SMALL_TARGETS = """
    return [...document.querySelectorAll('button, input:not([type=hidden]), summary')].filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width < 24 || box.height < 24;
    }).map((element) => 'too small to press: ' + element.outerHTML);
"""


def key_pin(host, port, ca_path):
    """The SPKI hash of the certificate at that address, which must chain to the CA and bear the name."""
    context = ssl.create_default_context(cafile=str(ca_path))
    with socket.create_connection((host, port), timeout=PAGE_SECONDS_MAX) as plain:
        with context.wrap_socket(plain, server_hostname=host) as secured:
            certificate = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True))
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


class Browser:
    """One Chromium. Names on the page are those a person sees: texts of labels and buttons."""

    def __init__(self, profile, pin, scripts=True):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--ignore-certificate-errors-spki-list={pin}"):
            options.add_argument(flag)
        if not scripts:
            options.add_experimental_option("prefs", SCRIPTS_BLOCKED)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_page_load_timeout(PAGE_SECONDS_MAX)
        self.records = []

    def close(self):
        self.driver.quit()

    # ---- going ----

    def open(self, url):
        self.driver.get(url)

    def reload(self):
        self.driver.refresh()

    def field(self, label):
        """The input of the label with that text."""
        for element in self.driver.find_elements(By.TAG_NAME, "label"):
            if label.lower() in element.text.lower():
                inside = element.find_elements(By.CSS_SELECTOR, "input, select")
                return inside[0] if inside else self.driver.find_element(By.ID, element.get_attribute("for"))
        raise AssertionError(f"no label {label!r} on the page: {self.text()!r}")

    def fill(self, label, text):
        field = self.field(label)
        field.clear()
        field.send_keys(text)

    def button(self, text):
        buttons = self.driver.find_elements(By.TAG_NAME, "button")
        for button in buttons:
            if text.lower() in button.text.lower():
                return button
        raise AssertionError(f"no button {text!r} among {[button.text for button in buttons]}: {self.text()!r}")

    def press(self, text):
        """Presses the button and waits until the page it was on is gone."""
        self.leave(self.button(text).click)

    def leave(self, action):
        page = self.driver.find_element(By.TAG_NAME, "html")
        action()
        wait = WebDriverWait(self.driver, PAGE_SECONDS_MAX)
        wait.until(lambda _: is_gone(page), f"the browser does not leave the page {self.url().split('?')[0]}")
        wait.until(
            lambda driver: driver.execute_script("return document.readyState") == "complete",
            "the next page does not come to its end",
        )

    # ---- looking ----

    def url(self):
        return self.driver.current_url

    def parameters(self):
        """Of the address, each at most once."""
        query = parse_qs(urlsplit(self.url()).query, keep_blank_values=True, strict_parsing=True)
        assert all(len(values) == 1 for values in query.values()), query
        return {name: values[0] for name, values in query.items()}

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def heading(self):
        return self.driver.find_element(By.TAG_NAME, "h1").text

    def notice(self):
        """What the page says went wrong, or None."""
        notices = self.driver.find_elements(By.CSS_SELECTOR, "[role=alert]")
        assert len(notices) <= 1, [notice.text for notice in notices]
        return notices[0].text if notices else None

    def focused(self):
        return self.driver.switch_to.active_element

    def page_faults(self):
        faults = self.driver.execute_script(PAGE_FAULTS)
        metrics = {"width": NARROW_PIXELS, "height": 640, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        sideways = self.driver.execute_script(SIDEWAYS)
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return faults + ([f"{sideways} px too wide for {NARROW_PIXELS} px"] if sideways > 0 else [])

    def accessibility_faults(self, axe):
        """What axe-core finds in every way of looking at the page: light, dark, more contrast, narrow, at 200 %."""
        faults = []
        for way, (width, features) in WAYS.items():
            metrics = {"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": False}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            media = [{"name": name, "value": value} for name, value in features.items()]
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
            self.driver.execute_script(axe)
            faults += [f"{way}: {fault}" for fault in self.driver.execute_async_script(AXE_RUN)]
            sideways = self.driver.execute_script(SIDEWAYS)
            faults += [f"{way}: {sideways} px too wide for {width} px"] if sideways > 0 else []
            faults += [f"{way}: {fault}" for fault in self.driver.execute_script(SMALL_TARGETS)]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return faults

    def documents(self):
        """(url, status, headers) of every page so far, redirects too, in order."""
        self.records += [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        found = []
        for record in self.records:
            params = record["params"]
            if params.get("type") != "Document":
                continue
            response = params.get("response" if record["method"] == "Network.responseReceived" else "redirectResponse")
            if response and response["url"].startswith("http"):
                headers = {name.lower(): value for name, value in response["headers"].items()}
                found.append((response["url"], response["status"], headers))
        return found

    def picture(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))


def is_gone(element):
    try:
        element.is_enabled()
    except WebDriverException:
        return True
    return False
