//! Tables, JSON and notebooks as pages show them.

use hub_cards::{LinkContext, notebook, pretty_json, read_delimited, read_json_lines, read_json_list};
use hub_types::RepoType;
use proptest::prelude::*;

use crate::cards::is_safe;
use crate::hostile::{damage, damaged_text, taken, within};

const MIB: usize = 1 << 20;
const CSV: &str = "id,name,\"what, it says\"\n1,Ada,\"a \"\"word\"\"\nand a line\"\n2,Bo,\n3,\"\",x\n";
const LINES: &str = "{\"id\":1,\"name\":\"Ada\",\"tags\":[\"a\",{\"b\":null}]}\n{\"id\":2,\"other\":1.5e3}\n\n{\"id\":3}\n";
const WORDS: &[&str] = &[
    "\"",
    "\"\"",
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\r\n",
    "{",
    "[[[[[[[[[[[[[[[[",
    "}",
    "\\u0000",
    "\\ud800",
    "1e999",
    "é",
    "\u{feff}",
    "null",
    "\"a\":",
    "\u{0}",
];
const NOTEBOOK: &str = r##"{"nbformat":4,"metadata":{"kernelspec":{"language":"python"}},"cells":[
{"cell_type":"markdown","source":["# Title\n","text"]},
{"cell_type":"code","execution_count":3,"source":"print(1)","outputs":[
 {"output_type":"stream","name":"stdout","text":["1\n","\u001b[31mred\u001b[0m"]},
 {"output_type":"display_data","data":{"image/png":"iVBORw0KGgo=","text/plain":"x"}},
 {"output_type":"execute_result","data":{"text/html":["<table><tr><td onclick=x>1</td></tr></table>"]}},
 {"output_type":"error","ename":"E","evalue":"v","traceback":["a","b"]}]}]}"##;

fn table(read: Option<hub_cards::Table>) -> Result<(), TestCaseError> {
    let Some(table) = read else { return Ok(()) };
    prop_assert!(table.header.len() <= 100 && table.rows.len() <= 200);
    for row in &table.rows {
        prop_assert_eq!(row.len(), table.header.len());
        prop_assert!(row.iter().all(|cell| cell.chars().count() <= 301));
    }
    Ok(())
}

proptest! {
    #[test]
    fn tables(changes in damage(), is_whole in any::<bool>()) {
        let csv = damaged_text(CSV, WORDS, &changes);
        let (read, took) = taken(|| read_delimited(&csv, is_whole));
        within(took, csv.len(), MIB, 200, 2000)?;
        table(read)?;
        let lines = damaged_text(LINES, WORDS, &changes);
        let (read, took) = taken(|| read_json_lines(&lines, is_whole));
        within(took, lines.len(), 16 * MIB, 200, 2000)?;
        table(read)?;
        let list = format!("[{},{{\"text\":\"{}\"}}]", LINES.trim().replace("\n\n", "\n").replace('\n', ","), "x".repeat(300));
        let list = damaged_text(&list, WORDS, &changes);
        let (read, took) = taken(|| read_json_list(&list));
        within(took, list.len(), 16 * MIB, 200, 2000)?;
        table(read)?;
        let (pretty, took) = taken(|| pretty_json(&list));
        within(took, list.len(), MIB, 600, 2000)?;
        if let Some(pretty) = pretty {
            prop_assert!(pretty_json(&pretty).is_none_or(|again| again == pretty), "a second time nothing changes");
            // Numbers beyond what a float holds are JSON, but no value here.
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(&list) {
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&pretty).ok(), Some(value));
            }
        }
    }

    /// Cells that are written as the format says come back as they were.
    #[test]
    fn tables_round_trip(rows in prop::collection::vec(prop::collection::vec("[ -~\n\u{e9}]{0,20}", 3), 1..20)) {
        let record = |cells: &[String]| cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect::<Vec<_>>().join(",");
        let header: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let text: String = [header.clone()].iter().chain(&rows).map(|row| record(row) + "\n").collect();
        let read = read_delimited(&text, true).unwrap();
        prop_assert_eq!((read.header, read.rows), (header, rows));
    }

    #[test]
    fn notebooks(changes in damage()) {
        let text = damaged_text(NOTEBOOK, WORDS, &changes);
        let context = LinkContext::new(RepoType::Model, &"ada/bert".parse().unwrap(), "main", "");
        let (read, took) = taken(|| notebook::render(&text, &context));
        within(took, text.len(), 64 * MIB, 2000, 40_000)?;
        for html in read.iter().flat_map(|read| &read.cells).flat_map(|cell| cell.outputs.iter().chain([&cell.source])) {
            is_safe(html.as_str())?;
        }
    }
}

#[test]
fn what_is_damaged_is_read_when_it_is_not() {
    assert_eq!(read_delimited(CSV, true).unwrap().rows.len(), 3);
    assert_eq!(read_json_lines(LINES, true).unwrap().rows.len(), 3);
    let context = LinkContext::new(RepoType::Model, &"ada/bert".parse().unwrap(), "main", "");
    assert_eq!(notebook::render(NOTEBOOK, &context).unwrap().cells[1].outputs.len(), 4);
}
