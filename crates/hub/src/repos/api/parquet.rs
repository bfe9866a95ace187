//! `GET /api/datasets/{id}/parquet`: the addresses of a dataset's Parquet files, by configuration and split, as DuckDB and others
//! ask for them; each leads to the file of the commit that is there now.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::REPO;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::parquet_files::{self, ParquetFiles};
use crate::repos::{Repo, RepoContent};
use crate::web::base_url::BaseUrl;
use crate::web::extract::raw_param;
use crate::web::links::{decode_tail, encode_path, encode_segment};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(&format!("{REPO}/parquet"), crate::web::read().to(get_parquet))
        .route(&format!("{REPO}/parquet/{{tail:.*}}"), crate::web::read().to(get_parquet));
}

async fn get_parquet(app: web::Data<App>, content: RepoContent, request: HttpRequest, base: BaseUrl) -> HubResult<HttpResponse> {
    let segments = decode_tail(raw_param(&request, "tail")).ok_or_else(HubError::entry_not_found)?;
    let asked: Vec<&str> = segments.iter().map(String::as_str).filter(|segment| !segment.is_empty()).collect();
    let (repo, found) = (&content.repo, parquet_files::find(&app, &content.repo).await?);
    let all = addresses(&base, repo, &found);
    let part = match asked.as_slice() {
        [] => Some(&all),
        [config] => all.get(config),
        [config, split] => all.get(config).and_then(|splits| splits.get(split)),
        [config, split, file] => return redirect(&base, repo, &found, (*config, *split, *file)),
        _ => None,
    };
    Ok(HttpResponse::Ok().json(part.ok_or_else(HubError::entry_not_found)?))
}

/// `{config: {split: [address, …]}}`.
fn addresses(base: &BaseUrl, repo: &Repo, found: &ParquetFiles) -> Value {
    let start = base.join(&format!("{}/parquet", repo.api_path()));
    let mut all = Map::new();
    for config in &found.configs {
        let mut splits = Map::new();
        for (split, files) in &config.splits {
            let folder = format!("{start}/{}/{}", encode_segment(&config.name), encode_segment(split));
            splits.insert(split.clone(), (0..files.len()).map(|number| json!(format!("{folder}/{number}.parquet"))).collect());
        }
        all.insert(config.name.clone(), Value::Object(splits));
    }
    Value::Object(all)
}

fn redirect(
    base: &BaseUrl,
    repo: &Repo,
    found: &ParquetFiles,
    (config, split, file): (&str, &str, &str),
) -> HubResult<HttpResponse> {
    let number = file.strip_suffix(".parquet").and_then(|number| number.parse::<usize>().ok());
    let files = found.of(config, split);
    let path = files.zip(number).and_then(|(files, number)| files.get(number)).ok_or_else(HubError::entry_not_found)?;
    let address = base.join(&format!("{}/resolve/{}/{}", repo.path(), found.commit.to_hex(), encode_path(path)));
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, address))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-repo-commit", found.commit.to_hex()))
        .finish())
}
