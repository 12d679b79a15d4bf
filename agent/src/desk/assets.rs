//! What pages stand on: style, script and fonts, embedded. A name with the hash of its bytes comes in, bytes that never change go out.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use schemas::event::Hash;

use super::limits::ASSET_TIME;
use super::trouble::Trouble;

const REGULAR: &[u8] = include_bytes!("assets/noto-sans-khmer-khmer-400-normal.woff2");
const BOLD: &[u8] = include_bytes!("assets/noto-sans-khmer-khmer-700-normal.woff2");
const STYLE: &str = include_str!("assets/desk.css");
const SCRIPT: &str = include_str!("assets/desk.js");
const ICON: &str = include_str!("assets/spean.svg");

/// Letters of a hash in a name: enough that two versions differ.
const HASH_CHARS: usize = 16;

struct Asset {
    name: String,
    media: &'static str,
    bytes: Vec<u8>,
}

/// The paths of what a page names, and all that can be asked for.
struct Assets {
    style: String,
    script: String,
    icon: String,
    all: Vec<Asset>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let mut all = Vec::new();
    let mut put = |stem: &str, end: &str, media: &'static str, bytes: Vec<u8>| {
        let hash = Hash::of(&bytes).to_string();
        let hash: String = hash.chars().take(HASH_CHARS).collect();
        let name = format!("{stem}.{hash}.{end}");
        let path = format!("/desk/assets/{name}");
        all.push(Asset { name, media, bytes });
        path
    };
    let fonts = [("400", REGULAR), ("700", BOLD)];
    let mut style = String::new();
    for (weight, bytes) in fonts {
        let path = put(
            &format!("noto-sans-khmer-{weight}"),
            "woff2",
            "font/woff2",
            bytes.into(),
        );
        let _never_fails = writeln!(
            style,
            "@font-face{{font-family:\"Desk Khmer\";font-weight:{weight};font-display:swap;src:url({path}) format(\"woff2\");\
             unicode-range:U+1780-17FF,U+19E0-19FF,U+200B-200D,U+25CC}}"
        );
    }
    style.push_str(STYLE);
    let style = put("desk", "css", "text/css; charset=utf-8", style.into());
    let script = put(
        "desk",
        "js",
        "text/javascript; charset=utf-8",
        SCRIPT.into(),
    );
    let icon = put("spean", "svg", "image/svg+xml", ICON.into());
    Assets {
        style,
        script,
        icon,
        all,
    }
});

pub fn style() -> &'static str {
    &ASSETS.style
}

pub fn script() -> &'static str {
    &ASSETS.script
}

pub fn icon() -> &'static str {
    &ASSETS.icon
}

/// `GET /desk/assets/{name}`
pub async fn show(Path(name): Path<String>) -> Result<Response, Trouble> {
    let asset = ASSETS.all.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or(Trouble::NotFound)?;
    let keep = format!("public, max-age={}, immutable", ASSET_TIME.as_secs());
    let headers = [
        (CONTENT_TYPE, asset.media.to_owned()),
        (CACHE_CONTROL, keep),
    ];
    Ok((headers, asset.bytes.as_slice()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What browsers of 2017 do not know. They leave out what they do not understand, and the page falls apart.
    const NEW_IN_CSS: [&str; 9] = [
        ":is(",
        ":where(",
        ":has(",
        "aspect-ratio",
        "inset:",
        "clamp(",
        "@layer",
        "@container",
        "\n  gap:",
    ];
    const NEW_IN_JS: [&str; 6] = ["?.", "??", "import(", "#private", "async function*", "...{"];

    /// Chromium 156 draws boxes for what it laid out while a font was still loading, and leaves them, where that font stands behind another.
    #[test]
    fn the_embedded_font_stands_before_all_others() {
        assert!(STYLE.contains("font-family: \"Desk Khmer\", "));
        assert!(!STYLE.contains(", \"Desk Khmer\""));
    }

    #[test]
    fn style_and_script_are_what_browsers_of_2017_know() {
        let new = NEW_IN_CSS.iter().filter(|word| STYLE.contains(**word));
        assert_eq!(new.collect::<Vec<_>>(), Vec::<&&str>::new());
        let new = NEW_IN_JS.iter().filter(|word| SCRIPT.contains(**word));
        assert_eq!(new.collect::<Vec<_>>(), Vec::<&&str>::new());
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("//"), "an address or a comment");
        }
    }

    #[test]
    fn what_a_page_loads_is_small() {
        let bytes: usize = ASSETS.all.iter().map(|asset| asset.bytes.len()).sum();
        assert!(bytes < 80 * 1024, "{bytes}");
    }

    #[test]
    fn khmer_stands_in_controls_too() {
        assert!(STYLE.contains("input, button, select, textarea { font: inherit"));
    }
}
