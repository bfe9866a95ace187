"""Collections, from the first item to the last."""

import re

import pytest
from huggingface_hub.errors import HfHubHTTPError

calls = pytest.mark.calls


@calls(
    "HfApi.create_collection",
    "HfApi.get_collection",
    "HfApi.add_collection_item",
    "HfApi.update_collection_item",
    "HfApi.delete_collection_item",
    "HfApi.update_collection_metadata",
    "HfApi.delete_collection",
)
def test_a_collection_is_made_filled_ordered_and_removed(api, api_of, new_repo, unique):
    title = unique("shelf")
    model, data = new_repo(), new_repo("dataset")
    made = api.create_collection(title, description="What belongs together")
    assert made.slug.startswith(f"bob/{title}-") and made.items == [] and made.description == "What belongs together"
    assert api.create_collection(title, exists_ok=True).slug == made.slug
    with pytest.raises(HfHubHTTPError):
        api.create_collection(title)
    api.add_collection_item(made.slug, model, "model", note="the best")
    filled = api.add_collection_item(made.slug, data, "dataset")
    assert [(item.item_id, item.item_type, item.position, item.note) for item in filled.items] == [
        (model, "model", 0, "the best"),
        (data, "dataset", 1, None),
    ]
    with pytest.raises(HfHubHTTPError):
        api.add_collection_item(made.slug, model, "model")
    assert len(api.add_collection_item(made.slug, model, "model", exists_ok=True).items) == 2
    with pytest.raises(HfHubHTTPError):
        api.add_collection_item(made.slug, "bob/there-is-none", "model")
    api.update_collection_item(made.slug, filled.items[1].item_object_id, position=0, note="first now")
    ordered = api_of(None).get_collection(made.slug)
    assert [(item.item_id, item.note) for item in ordered.items] == [(data, "first now"), (model, "the best")]
    renamed = api.update_collection_metadata(made.slug, title=unique("other"), theme="pink", private=True)
    assert renamed.theme == "pink" and renamed.private and renamed.slug != made.slug
    assert api.get_collection(made.slug).title == renamed.title
    with pytest.raises(HfHubHTTPError):
        api_of("dave").get_collection(made.slug)
    api.delete_collection_item(made.slug, filled.items[0].item_object_id)
    api.delete_collection_item(made.slug, filled.items[0].item_object_id, missing_ok=True)
    assert [item.item_id for item in api.get_collection(made.slug).items] == [data]
    api.delete_collection(made.slug)
    api.delete_collection(made.slug, missing_ok=True)


@calls("HfApi.list_collections")
def test_collections_are_found_by_owner_item_and_order(api, new_repo, unique):
    model = new_repo()
    made = [api.create_collection(unique("listed")) for _ in range(3)]
    for collection in made[:2]:
        api.add_collection_item(collection.slug, model, "model")
    found = list(api.list_collections(item=f"models/{model}", sort="lastModified"))
    assert [collection.slug for collection in found] == [made[1].slug, made[0].slug]
    assert found[0].items[0].item_id == model
    assert {collection.slug for collection in made} <= {collection.slug for collection in api.list_collections(owner="bob")}
    assert len(list(api.list_collections(owner="bob", limit=2))) == 2


def test_a_collection_may_hold_a_collection(api, unique):
    inner, outer = api.create_collection(unique("inner")), api.create_collection(unique("outer"))
    try:
        filled = api.add_collection_item(outer.slug, inner.slug, "collection")
    except ValueError:
        pytest.skip("this version of the client knows no collections in collections")
    assert filled.items[0].item_id in (inner.slug, inner.slug.rsplit("-", 1)[-1])


@calls("hf collections")
def test_collections_by_command(hf, api, new_repo, unique):
    title, model, data = unique("by command"), new_repo(), new_repo("dataset")
    slug = re.search(r"bob/[a-z0-9-]+-[0-9a-f]{24}", hf("collections", "create", title, "--description", "Kept together"))[0]
    hf("collections", "add-item", slug, model, "model", "--note", "the best")
    api.add_collection_item(slug, data, "dataset")
    found = hf("collections", "ls", "--owner", "bob", "--item", f"models/{model}", "--sort", "lastModified", "--format", "json")
    assert title in found and slug in found
    first, second = api.get_collection(slug).items
    assert (first.item_id, first.note, second.item_id) == (model, "the best", data)
    hf("collections", "update-item", slug, second.item_object_id, "--note", "first now", "--position", "0")
    hf("collections", "delete-item", slug, first.item_object_id)
    hf("collections", "update", slug, "--title", f"{title} too", "--theme", "green", "--private")
    shown = hf("collections", "info", slug, "--format", "json")
    assert f"{title} too" in shown and "first now" in shown and data in shown and model not in shown
    hf("collections", "delete", slug)
    assert slug not in {collection.slug for collection in api.list_collections(owner="bob")}
