//! The buttons above the message. They need the browser's code, which shows them.

use leptos::prelude::*;

use crate::{rendering::Field, ui::islands::markdown_edit::Tool};

/// The toolbar, hidden.
pub fn view() -> AnyView {
    let tools = Tool::ALL.map(|tool| {
        let shortcut = match tool {
            Tool::Bold => Some("Control+B Meta+B"),
            Tool::Italic => Some("Control+I Meta+I"),
            _ => None,
        };
        view! {
            <button type="button" data-tool aria-label=tool.label() title=tool.label() aria-keyshortcuts=shortcut>
                <svg viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.5"
                    stroke-linecap="round" stroke-linejoin="round"><path d=line(tool)></path></svg>
            </button>
        }
    });
    let fields = Field::ALL.map(|field| {
        view! {
            <li role="none">
                <button type="button" role="menuitem" tabindex="-1" data-field=field.key()>{field.label()}</button>
            </li>
        }
    });
    view! {
        <div id="toolbar" role="toolbar" aria-label="Formatting" aria-controls="body" hidden>
            {tools}
            <button type="button" id="insert" aria-haspopup="menu" aria-expanded="false" aria-controls="insert-menu">
                "Insert"
            </button>
            <ul id="insert-menu" role="menu" aria-label="Insert" hidden>{fields}</ul>
        </div>
    }
    .into_any()
}

fn line(tool: Tool) -> &'static str {
    match tool {
        Tool::Bold => "M6 4h5a3 3 0 0 1 0 6H6zM6 10h5.8a3 3 0 0 1 0 6H6z",
        Tool::Italic => "M9 4h5M6 16h5M11.5 4l-3 12",
        Tool::Heading => "M5 4v12M15 4v12M5 10h10",
        Tool::List => "M8 5h9M8 10h9M8 15h9M3.8 5h.2M3.8 10h.2M3.8 15h.2",
        Tool::Link => {
            "M8.5 11.5a3.2 3.2 0 0 0 4.6 0l2.5-2.5A3.2 3.2 0 1 0 11 4.4l-.9.9M11.5 8.5a3.2 3.2 0 0 0-4.6 0L4.4 11A3.2 3.2 0 1 0 9 15.6l.9-.9"
        }
        Tool::Button => "M4.5 6.5h11a2 2 0 0 1 2 2v3a2 2 0 0 1-2 2h-11a2 2 0 0 1-2-2v-3a2 2 0 0 1 2-2zM6.5 10h7",
        Tool::Picture => {
            "M4.5 4h11A1.5 1.5 0 0 1 17 5.5v9a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 14.5v-9A1.5 1.5 0 0 1 4.5 4zM3.5 14l4-4 3 3 2-2 4 4M12.8 7.6h.2"
        }
    }
}
