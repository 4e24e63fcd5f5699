// SPDX-License-Identifier: Apache-2.0
import { usePage } from "../router";
import { t } from "../strings";

export function Help() {
  usePage(t.help.page);
  return (
    <div class="reading">
      <h1>{t.help.title}</h1>
      {t.help.parts.map(([title, text]) => <section key={title}><h2>{title}</h2><p>{text}</p></section>)}
    </div>
  );
}
