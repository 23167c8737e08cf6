/** Where this browser keeps what it calls itself. */
const KEY = "matinee-device";

const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg/, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/(Chrome|CriOS|Chromium)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

const SYSTEMS: readonly [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "Mac"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** What a person calls this device, of its User-Agent header: `Firefox on Windows`. */
export function deviceName(userAgent: string): string {
  const nameIn = (names: readonly [RegExp, string][]) => names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const [browser = "Web browser", system] = [nameIn(BROWSERS), nameIn(SYSTEMS)];
  return system ? `${browser} on ${system}` : browser;
}

/** What this browser calls itself, always the same where it may keep that. */
export function deviceId(): string {
  const fresh = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  try {
    const kept = localStorage.getItem(KEY) ?? fresh.join("");
    localStorage.setItem(KEY, kept);
    return kept;
  } catch {
    return fresh.join(""); // the browser keeps nothing for us: then it is another device each time
  }
}
