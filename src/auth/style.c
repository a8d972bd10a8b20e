/* style.c - the look of all pages: one sheet, the system's own letters, light and dark, and nothing that needs a
 * pointer. Text on its ground has a contrast of at least 4.5 to 1, edges of controls 3 to 1 (WCAG 2.2, 1.4.3, 1.4.11);
 * what is pressed is at least 24 px high and wide (2.5.8). */
#include "auth/auth_int.h"

/* The compiler promises literals of 4,095 bytes: two parts. */
static const char base[] =

    ":root { color-scheme: light dark; --ground: #eef2f5; --card: #ffffff; --ink: #14202b; --soft: #45525e;\n"
    "  --line: #6b7884; --faint: #d5dde4; --brand: #0b3d5c; --on-brand: #ffffff; --bar: #0b3d5c; --link: #0b4f7a;\n"
    "  --focus: #b45309; --bad: #b42318; --bad-ground: #fdecea; --good: #1a6b3c; --good-ground: #e6f4ea; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ground: #0d1720; --card: #16232e; --ink: #e8eef3;\n"
    "  --soft: #b3c0cb; --line: #8a99a6; --faint: #2c3b48; --brand: #8cc8ee; --on-brand: #06202f; --bar: #0a2a3f;\n"
    "  --link: #8cc8ee; --focus: #ffbf47; --bad: #ff8a7a; --bad-ground: #3a1714; --good: #7fd6a0;\n"
    "  --good-ground: #12321f; } }\n"
    "@media (prefers-contrast: more) { :root { --soft: var(--ink); --line: var(--ink); --faint: var(--ink); } }\n"
    "*, *::before, *::after { box-sizing: border-box; }\n"
    "html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }\n"
    "body { margin: 0; font: 1.0625rem/1.55 system-ui, -apple-system, \"Segoe UI\", Roboto, \"Helvetica Neue\",\n"
    "  sans-serif; color: var(--ink); background: var(--ground); overflow-wrap: break-word; }\n"
    "header { background: var(--bar); color: #ffffff; padding: 1rem 1.25rem; }\n"
    "header p, footer p { max-width: 38rem; margin: 0 auto; }\n"
    ".bank { font-size: 1.125rem; font-weight: 700; letter-spacing: 0.01em; }\n"
    ".bank::before { content: \"\"; display: inline-block; width: 0.75em; height: 0.75em; margin-right: 0.5em;\n"
    "  border: 0.2em solid currentColor; border-radius: 50%; vertical-align: -0.1em; }\n"
    "main { max-width: 38rem; margin: 2rem auto; padding: 2rem; background: var(--card);\n"
    "  border: 1px solid var(--faint); border-radius: 0.75rem; }\n"
    "footer { padding: 0 1.25rem 2rem; color: var(--soft); font-size: 0.875rem; }\n"
    "h1 { margin: 0 0 1rem; font-size: 1.625rem; line-height: 1.25; letter-spacing: -0.01em; }\n"
    "h2 { margin: 2rem 0 0.5rem; font-size: 1.25rem; line-height: 1.3; }\n"
    "h3 { margin: 1.25rem 0 0.25rem; font-size: 1.0625rem; }\n"
    "p { margin: 0 0 1rem; }\n"
    "ul { margin: 0 0 1rem; padding-left: 1.25rem; }\n"
    ".step { color: var(--soft); font-size: 0.9375rem; margin-bottom: 0.25rem; }\n"
    "a { color: var(--link); text-underline-offset: 0.15em; }\n"
    "dl { display: grid; grid-template-columns: minmax(5rem, max-content) minmax(0, 1fr); gap: 0.375rem 1.25rem; "
    "margin: 1rem 0;\n"
    "  padding: 1rem 0; border-top: 1px solid var(--faint); border-bottom: 1px solid var(--faint); }\n"
    "dt { color: var(--soft); } dd { grid-column: 2; margin: 0; font-weight: 600; overflow-wrap: anywhere; }\n"
    "dd.amount { font-size: 1.375rem; line-height: 1.2; font-variant-numeric: tabular-nums; }\n"
    "label { display: block; margin: 1.25rem 0 0.375rem; font-weight: 600; }\n"
    ".hint { margin: 0 0 0.375rem; color: var(--soft); font-size: 0.9375rem; }\n";
static const char parts[] =
    "fieldset { min-width: 0; border: 0; margin: 1.25rem 0; padding: 0; }\n"
    "legend { padding: 0; font-weight: 600; margin-bottom: 0.5rem; }\n"
    "fieldset label { display: flex; gap: 0.75rem; align-items: flex-start; margin: 0 0 0.5rem; font-weight: 400;\n"
    "  padding: 0.75rem; border: 1px solid var(--line); border-radius: 0.5rem; cursor: pointer; }\n"
    "fieldset label span { min-width: 0; overflow-wrap: anywhere; }\n"
    "input[type=radio], input[type=checkbox] { flex: none; width: 1.5rem; height: 1.5rem; margin: 0;\n"
    "  accent-color: var(--brand); }\n"
    "input[type=text], input[type=password] { width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem;\n"
    "  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);\n"
    "  border-radius: 0.5rem; }\n"
    "input[aria-invalid=true] { border: 2px solid var(--bad); }\n"
    "input.code { max-width: 11rem; font-size: 1.25rem; letter-spacing: 0.2em;\n"
    "  font-variant-numeric: tabular-nums; }\n"
    ".actions { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.75rem; }\n"
    "button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: 0.5rem 1.5rem; border-radius: "
    "0.5rem;\n"
    "  border: 1px solid var(--brand); background: var(--brand); color: var(--on-brand); cursor: pointer; }\n"
    "button.second { background: transparent; color: var(--link); border-color: var(--line); }\n"
    "button.small { min-height: 2rem; padding: 0.125rem 0.875rem; font-size: 0.9375rem; }\n"
    ":focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 0.25rem; }\n"
    ".notice { border-left: 0.3rem solid var(--bad); background: var(--bad-ground); padding: 0.75rem 1rem;\n"
    "  border-radius: 0.25rem; } .notice a { color: inherit; }\n"
    ".done { border-left: 0.3rem solid var(--good); background: var(--good-ground); padding: 0.75rem 1rem;\n"
    "  border-radius: 0.25rem; }\n"
    ".consent { margin: 1rem 0; padding: 1.25rem; border: 1px solid var(--line); border-radius: 0.5rem; }\n"
    ".consent h3 { margin-top: 0; } .consent dl { border-bottom: 0; padding-bottom: 0; }\n"
    ".accounts { list-style: none; padding: 0; }\n"
    ".accounts li { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; justify-content: space-between;\n"
    "  align-items: center; padding: 0.5rem 0; border-top: 1px solid var(--faint); }\n"
    ".accounts span { min-width: 0; overflow-wrap: anywhere; }\n"
    ".state { font-weight: 600; }\n"
    ".unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: "
    "inset(50%);\n"
    "  white-space: nowrap; }\n"
    "@media (max-width: 30rem) { main { margin: 0; padding: 1.25rem; border: 0; border-radius: 0; }\n"
    "  footer { padding-top: 1.25rem; } dl { grid-template-columns: minmax(0, 1fr); gap: 0; }\n"
    "  dd { grid-column: 1; margin-bottom: 0.5rem; }\n"
    "  .actions button { width: 100%; } }\n"
    "@media (forced-colors: active) { .notice, .done, main, .consent { border: 1px solid; } }\n";

int style_build(struct auth *auth) {
    auth->style = arena_printf(&auth->arena, "%s%s", base, parts);
    return auth->style.at ? 0 : err_origin(-ENOMEM);
}

struct str auth_style(const struct auth *auth) {
    return auth->style;
}
