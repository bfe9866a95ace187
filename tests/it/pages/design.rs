use hub_tests::TestHub;

use super::Browser;

#[tokio::test]
async fn the_design_page_is_for_administrators_unless_opened() {
    let hub = TestHub::start().await;
    hub.account("ada").await;
    hub.account("bob").await;
    assert_eq!(Browser::new(&hub).get("/design").await.status, 404);
    assert_eq!(Browser::logged_in(&hub, "bob").await.get("/design").await.status, 404);
    let page = Browser::logged_in(&hub, "ada").await.open("/design").await;
    for section in [
        "type",
        "colours",
        "space",
        "icons",
        "buttons",
        "forms",
        "facets",
        "navigation",
        "cards",
        "tables",
        "rows",
        "changes",
        "people",
        "code",
        "messages",
        "dialogs",
        "toasts",
        "rtl",
    ] {
        assert!(page.has(&format!("id=\"{section}\"")), "{section}");
    }
    assert!(page.has("dir=\"rtl\""));
    for state in [
        "facet-more",
        "range-slider",
        "toast-success",
        "toast-error",
        "aria-pressed=\"true\"",
        "diff-removed",
        "downloads-chart",
        "upload-row",
        "data-wrong",
        "data-done",
        "data-loading",
        "use-dialog-close",
    ] {
        assert!(page.has(state), "{state}");
    }
    hub.stop().await;
    let open = TestHub::start_with(|config| config.design_page = true).await;
    assert_eq!(Browser::new(&open).get("/design").await.status, 200);
    open.stop().await;
}
