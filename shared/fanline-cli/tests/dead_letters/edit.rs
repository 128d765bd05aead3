//! Mending a body: with --set, in an editor, and what may not be changed.

use std::path::PathBuf;

use crate::rig::{Rig, Said, ids, letters};

/// An editor that applies a sed script; its path has the test's name in it.
struct Editor(PathBuf);

impl Editor {
    fn new(name: &str, script: &str) -> Self {
        let folder = std::env::temp_dir();
        let path = folder.join(format!("fanline-editor-{name}-{}", std::process::id()));
        std::fs::write(&path, format!("sed -i {script} \"$1\"\n")).unwrap();
        Self(path)
    }

    async fn edit(&self, rig: &Rig, id: &str) -> Said {
        let mut command = rig.command(&["dlq", "edit", "orders-dlq", id]);
        command.env("EDITOR", format!("sh {}", self.0.display()));
        command.env_remove("VISUAL");
        Said::from(command.output().await.unwrap())
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn set_sends_the_mended_message_and_deletes_the_old_one() {
    let rig = Rig::start().await;
    rig.put("orders-dlq", &letters(15)).await;
    let said = rig
        .dlq(&[
            "edit",
            "orders-dlq",
            "e-7",
            "--set",
            "data.email=ann@example.com",
            "--set",
            "data.age=7",
        ])
        .await;
    assert_eq!(said.out, "e-7 sent to orders\n");
    assert_eq!(
        (rig.depth("orders-dlq"), rig.in_flight("orders-dlq")),
        (14, 0)
    );
    let messages = rig.take_all("orders").await;
    assert_eq!(ids(&messages), ["e-7"]);
    let body: serde_json::Value = serde_json::from_str(messages[0].body().unwrap()).unwrap();
    assert_eq!(
        body["data"],
        serde_json::json!({"email": "ann@example.com", "age": 7})
    );
    let attributes = messages[0].message_attributes().unwrap();
    assert_eq!(attributes.keys().collect::<Vec<_>>(), ["type"]);
}

#[tokio::test]
async fn editor_gets_the_body_set_out_and_what_it_writes_is_sent() {
    let rig = Rig::start().await;
    rig.put("orders-dlq", &letters(1)).await;
    // Only a body of one field a line has this one.
    let editor = Editor::new(
        "mend",
        r#"'s/^    "email": .*/    "email": "bob@example.com"/'"#,
    );
    let said = editor.edit(&rig, "e-0").await;
    assert_eq!(
        (&*said.out, said.code),
        ("e-0 sent to orders\n", Some(0)),
        "{said:?}"
    );
    let messages = rig.take_all("orders").await;
    let expected = letters(1)[0]
        .body()
        .replace("e-0@example.com", "bob@example.com");
    assert_eq!(messages[0].body(), Some(&*expected));
    assert_eq!(rig.depth("orders-dlq"), 0);
}

#[tokio::test]
async fn unchanged_is_said_and_nothing_happens() {
    let rig = Rig::start().await;
    rig.put("orders-dlq", &letters(1)).await;
    let editors = [
        Editor::new("nothing", "''"),
        Editor::new("layout", "'s/^ *//'"),
    ];
    for editor in &editors {
        let said = editor.edit(&rig, "e-0").await;
        assert_eq!(
            (&*said.out, said.code),
            ("e-0 is unchanged; nothing sent\n", Some(0)),
            "{said:?}"
        );
    }
    let said = rig
        .dlq(&[
            "edit",
            "orders-dlq",
            "e-0",
            "--set",
            "data.email=e-0@example.com",
        ])
        .await;
    assert_eq!(said.out, "e-0 is unchanged; nothing sent\n");
    assert_eq!(
        (
            rig.depth("orders-dlq"),
            rig.in_flight("orders-dlq"),
            rig.depth("orders")
        ),
        (1, 0, 0)
    );
}

#[tokio::test]
async fn what_may_not_be_is_refused_and_the_text_is_kept() {
    let rig = Rig::start().await;
    rig.put("orders-dlq", &letters(1)).await;
    let said = rig
        .run(&[
            "dlq",
            "edit",
            "orders-dlq",
            "e-0",
            "--set",
            "metadata.eventId=other",
        ])
        .await;
    assert_eq!(
        (&*said.err, said.code),
        (
            "fanline: the event id was e-0 and would be other; it is what recognises the event as done before, so it has to stay\n",
            Some(1)
        )
    );
    let said = rig
        .run(&["dlq", "edit", "orders-dlq", "e-0", "--set", "dta.email=x"])
        .await;
    assert_eq!(
        (&*said.err, said.code),
        (
            "fanline: dta.email: the body has no field \"dta\"; did you mean 'data'?; there are: data, metadata, type\n",
            Some(1)
        )
    );
    let said = rig
        .run(&["dlq", "edit", "orders-dlq", "e-0", "--set", "data.email"])
        .await;
    assert_eq!(said.code, Some(2), "{said:?}");
    let said = Editor::new("break", "'s/}//'").edit(&rig, "e-0").await;
    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .starts_with("fanline: the body is no longer JSON: "),
        "{said:?}"
    );
    let file = said.err.trim_end().rsplit(' ').next().unwrap();
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .contains("e-0@example.com")
    );
    std::fs::remove_file(file).unwrap();
    let said = Editor::new("fail", "--no-such-option")
        .edit(&rig, "e-0")
        .await;
    assert!(said.err.contains("fanline: editor \"sh "), "{said:?}");
    assert!(said.err.ends_with("nothing is sent\n"), "{said:?}");
    // Without any, and without a terminal to open vi on.
    let mut command = rig.command(&["dlq", "edit", "orders-dlq", "e-0"]);
    command.env_remove("VISUAL").env_remove("EDITOR");
    let said = Said::from(command.output().await.unwrap());
    assert_eq!(
        said.err,
        "fanline: no terminal for an editor; use --set PATH=VALUE, or set EDITOR to a command\n"
    );
    assert_eq!(
        (
            rig.depth("orders-dlq"),
            rig.in_flight("orders-dlq"),
            rig.depth("orders")
        ),
        (1, 0, 0)
    );
}
