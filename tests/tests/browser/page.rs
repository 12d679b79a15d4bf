//! What every page must be, whatever it shows. In: a page that is open. Out: what is wrong with it. Never: a rule for one page only.

use std::path::Path;

use serde_json::Value;

use crate::driver::Browser;

/// All that one page may load, in bytes over the wire.
const PAGE_BYTES_MAX: u64 = 150 * 1024;

/// axe-core, as `scripts/tools.py browser` has fetched it.
fn axe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/axe/axe.min.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; make tools fetches it", path.display()))
}

/// Accessible by WCAG 2.1 AA as far as a program can tell, small, alone, and without an error.
pub async fn assert_good(browser: &Browser, what: &str) {
    let axe = axe();
    let script = format!(
        "{axe};const done = arguments[arguments.length - 1];\
         axe.run(document, {{runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']}}).then(found => done(found.violations.map(\
         one => one.id + ': ' + one.nodes.map(node => node.target + ' ' + node.failureSummary).join('; '))))\
         .catch(error => done([String(error)]));"
    );
    let violations = browser.execute_async(&script).await;
    assert_eq!(violations, Value::Array(Vec::new()), "{what}: axe");
    let loaded = browser
        .execute(
            "const all = performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'));\
             return {bytes: all.reduce((sum, one) => sum + one.transferSize, 0),\
             elsewhere: all.map(one => one.name).filter(name => !name.startsWith(location.origin))}",
        )
        .await;
    assert_eq!(loaded["elsewhere"], Value::Array(Vec::new()), "{what}");
    let bytes = loaded["bytes"].as_u64().expect("bytes are counted");
    assert!(bytes <= PAGE_BYTES_MAX, "{what}: {bytes} bytes");
    let wide = browser
        .execute(
            "return document.documentElement.scrollWidth > document.documentElement.clientWidth",
        )
        .await;
    assert_eq!(wide, false, "{what} is wider than the screen");
    let errors = browser.console().await;
    // A page that says no is an error to the console and to nobody else.
    let errors: Vec<String> = errors
        .into_iter()
        .filter(|error| !error.contains("the server responded with a status of"))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "{what}: console");
}

/// The fonts that the office's texts need are those that came with the page.
pub async fn assert_khmer_is_shown(browser: &Browser) {
    let shown = browser
        .execute_async(
            "const done = arguments[arguments.length - 1];\
             document.fonts.ready.then(() => done(document.fonts.check('16px \"Desk Khmer\"', 'ក') && \
             Array.from(document.fonts).some(font => font.status === 'loaded')));",
        )
        .await;
    assert_eq!(shown, true);
}

/// Text of the page that no message holds and that is no data: with `lang=qps` each message stands in brackets.
pub async fn bare_texts(browser: &Browser) -> Value {
    browser
        .execute(
            "const beside = '.data, code, .number, .time, option[value]:not([value=\"\"]), [lang]:not(html), script, style, svg, title';\
             const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);\
             const bare = [];\
             while (walk.nextNode()) {\
               const text = walk.currentNode.textContent.trim();\
               const inside = walk.currentNode.parentElement;\
               if (!/\\p{L}/u.test(text) || inside.closest(beside)) continue;\
               const rest = text.replace(/⟦[^⟦⟧]*(⟦[^⟦⟧]*⟧[^⟦⟧]*)*⟧/gu, '');\
               if (/\\p{L}/u.test(rest)) bare.push(text);\
             }\
             return bare",
        )
        .await
}
