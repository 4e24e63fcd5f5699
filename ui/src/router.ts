// SPDX-License-Identifier: Apache-2.0
// Paths and the history; no more is needed. The focus goes to the new page's heading, so that a keyboard or a screen
// reader begins there.
import { useEffect, useState } from "preact/hooks";

const listeners = new Set<() => void>();
let moved = false;

const tell = () => { moved = true; listeners.forEach((call) => call()); };

export function navigate(path: string, how: "push" | "replace" = "push") {
  if (path === location.pathname && how === "push") how = "replace";
  if (how === "push") history.pushState(null, "", path);
  else history.replaceState(null, "", path);
  window.scrollTo(0, 0);
  tell();
}

addEventListener("popstate", tell);

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a");
  const href = link?.getAttribute("href");
  if (!link || !href?.startsWith("/") || link.target || link.hasAttribute("download")) return;
  event.preventDefault();
  navigate(href);
});

export function usePath(): string {
  const [path, set] = useState(location.pathname);
  useEffect(() => {
    const call = () => set(location.pathname);
    listeners.add(call);
    return () => { listeners.delete(call); };
  }, []);
  return path;
}

/** Gives the window its title, and after a move the focus to the heading. */
export function usePage(title: string) {
  useEffect(() => {
    document.title = title ? `${title} · smtpdx` : "smtpdx";
    if (moved) focusHeading();
    moved = false;
  }, [title]);
}

export function focusHeading() {
  const heading = document.querySelector<HTMLElement>("main h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}
