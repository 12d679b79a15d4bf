//! Real figures, one CSV file for each office and feed.
//! In: the project's own small tables, or a folder of larger ones. Out: files that `spean-agent submit` takes. Never: a made-up figure.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use csv::StringRecord;

pub const HEALTH: &str = "health-quarterly";
pub const PRICES: &str = "market-prices";
pub const LABOUR: &str = "labour-returns";
pub const BULLETIN: &str = "price-bulletin";

/// The two provinces of the demonstration: place, NCDD code, ISO 3166-2.
const PROVINCES: [(&str, &str, &str); 2] =
    [("siem-reap", "17", "KH-17"), ("battambang", "02", "KH-2")];
const PRICE_FILES: [&str; 3] = [
    "prices/wfp_khm_prices_2019_2022.csv",
    "prices/wfp_khm_prices_2023.csv",
    "prices/wfp_khm_prices_2024.csv",
];
const WAGE_FILES: [&str; 1] = ["labour/wfp_khm_daily_wage_nonqualified.csv"];
const HEALTH_FILE: &str = "health/dengue_khm_province_quarterly.csv";
const EARNINGS_FILE: &str = "labour/ilostat_khm_monthly_earnings.csv";
const DATA_VALUES: [&str; 5] = ["dataset", "dataelement", "period", "orgunit", "value"];

/// A folder with a file `<feed>/<place>.csv` for each office that reports.
pub struct Figures {
    folder: PathBuf,
}

impl Figures {
    /// The project's own tables, or those of a larger folder, cut to the provinces and put into the feeds' columns.
    pub fn prepare(data: Option<&Path>, scratch: &Path) -> Result<Figures> {
        let Some(data) = data else {
            return Ok(Figures {
                folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("data"),
            });
        };
        let folder = scratch.join("figures");
        for feed in [HEALTH, PRICES, LABOUR] {
            std::fs::create_dir_all(folder.join(feed))
                .context("cannot make a folder for the figures")?;
        }
        for (place, code, iso) in PROVINCES {
            cut(data, &PRICE_FILES, code, &folder.join(PRICES).join(place))?;
            health(data, code, iso, &folder.join(HEALTH).join(place))?;
            cut(data, &WAGE_FILES, code, &folder.join(LABOUR).join(place))?;
        }
        let (earnings, hq) = (data.join(EARNINGS_FILE), folder.join(LABOUR).join("hq.csv"));
        std::fs::copy(&earnings, hq)
            .with_context(|| format!("cannot copy {}", earnings.display()))?;
        Ok(Figures { folder })
    }

    pub fn of(&self, feed: &str, place: &str) -> PathBuf {
        self.folder.join(feed).join(place).with_extension("csv")
    }
}

/// One province's rows of tables that have the same columns.
fn cut(data: &Path, files: &[&str], code: &str, to: &Path) -> Result<()> {
    let mut writer = writer(to)?;
    for (number, file) in files.iter().enumerate() {
        let table = Table::read(&data.join(file))?;
        if number == 0 {
            writer.write_record(&table.headings)?;
        }
        for row in table.rows_where("admin1_code", code)? {
            writer.write_record(row)?;
        }
    }
    Ok(writer.flush()?)
}

/// Quarterly cases, and of the quarter's three monthly reports how many came.
fn health(data: &Path, code: &str, iso: &str, to: &Path) -> Result<()> {
    let table = Table::read(&data.join(HEALTH_FILE))?;
    let (quarter, cases) = (table.column("quarter")?, table.column("dengue_cases")?);
    let reported = table.column("months_reported")?;
    let province = format!("KH{code}");
    let mut writer = writer(to)?;
    writer.write_record(DATA_VALUES)?;
    for row in table.rows_where("iso3166_2", iso)? {
        for (element, value) in [
            ("DENGUE_CASES", &row[cases]),
            ("EXPECTED_REPORTS", "3"),
            ("ACTUAL_REPORTS", &row[reported]),
        ] {
            writer.write_record(["QUARTERLY_DENGUE", element, &row[quarter], &province, value])?;
        }
    }
    Ok(writer.flush()?)
}

struct Table {
    path: PathBuf,
    headings: StringRecord,
    rows: Vec<StringRecord>,
}

impl Table {
    fn read(path: &Path) -> Result<Table> {
        let reading = || -> csv::Result<Table> {
            let mut reader = csv::Reader::from_path(path)?;
            let headings = reader.headers()?.clone();
            let rows = reader.records().collect::<csv::Result<_>>()?;
            Ok(Table {
                path: path.to_owned(),
                headings,
                rows,
            })
        };
        reading().with_context(|| format!("cannot read {}", path.display()))
    }

    fn column(&self, name: &str) -> Result<usize> {
        let found = self.headings.iter().position(|heading| heading == name);
        found.with_context(|| format!("{} has no column {name}", self.path.display()))
    }

    fn rows_where<'a>(&'a self, column: &str, value: &'a str) -> Result<Vec<&'a StringRecord>> {
        let at = self.column(column)?;
        let rows: Vec<&StringRecord> = self.rows.iter().filter(|row| &row[at] == value).collect();
        ensure!(
            !rows.is_empty(),
            "{} has no row whose {column} is {value}",
            self.path.display()
        );
        Ok(rows)
    }
}

fn writer(to: &Path) -> Result<csv::Writer<std::fs::File>> {
    let path = to.with_extension("csv");
    csv::Writer::from_path(&path).with_context(|| format!("cannot write {}", path.display()))
}
