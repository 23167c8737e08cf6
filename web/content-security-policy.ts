import { createHash } from "node:crypto";
import { HlsVideoElement } from "hls-video-element";
import * as controls from "media-chrome";
import * as menus from "media-chrome/menu";
import type { Plugin } from "vite";

/** A custom element whose shadow root starts from a template with a `<style>` element in it. */
interface Templated {
  getTemplateHTML(attributes: Record<string, string>, properties: Record<string, unknown>): string;
}

function isTemplated(value: unknown): value is Templated {
  return typeof value === "function" && "getTemplateHTML" in value;
}

/** CSP hash sources (CSP3, clause 6.7.3.3) of the style elements in a piece of HTML. */
export function styleHashes(html: string): string[] {
  return [...html.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map(
    ([, style = ""]) => `'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  );
}

/** The policy of the page: our own files, media through Media Source Extensions, and the player's known styles. */
export function policy(hashes: Iterable<string>): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${["'self'", ...new Set(hashes)].join(" ")}`,
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "media-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Writes the policy beside index.html, for the server to send as the Content-Security-Policy header. */
export function contentSecurityPolicy(): Plugin {
  const exported: unknown[] = [HlsVideoElement, ...Object.values(controls), ...Object.values(menus)];
  const elements = exported.filter(isTemplated);
  return {
    name: "content-security-policy",
    apply: "build",
    generateBundle() {
      const hashes = elements.flatMap((element) => styleHashes(element.getTemplateHTML({}, {})));
      this.emitFile({ type: "asset", fileName: "content-security-policy.txt", source: policy(hashes) });
    },
  };
}
