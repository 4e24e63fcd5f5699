// SPDX-License-Identifier: Apache-2.0
// What is being explained. In memory alone: what was pasted must not outlive the page.
import type { Names } from "../api";
import type { Explanation } from "../types";
import type { Input } from "./input";

export interface Current { input: Input; names: Names; results: Explanation[] | null; chosen: number }

export const session: { current: Current | null } = { current: null };

export function begin(input: Input, names: Names = {}) {
  session.current = { input, names, results: null, chosen: 0 };
}
