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
    "wfp_khm_prices_2019_2022.csv",
    "wfp_khm_prices_2023.csv",
    "wfp_khm_prices_2024.csv",
];
const DATA_VALUES: [&str; 9] = [
    "dataelement",
    "period",
    "orgunit",
    "categoryoptioncombo",
    "attributeoptioncombo",
    "value",
    "storedby",
    "lastupdated",
    "comment",
];
const OBSERVATIONS: [&str; 9] = [
    "ref_area",
    "source",
    "indicator",
    "sex",
    "classif1",
    "classif2",
    "time",
    "obs_value",
    "obs_status",
];

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
            prices(data, code, &folder.join(PRICES).join(place))?;
            health(data, code, iso, &folder.join(HEALTH).join(place))?;
            wages(data, code, &folder.join(LABOUR).join(place))?;
        }
        let earnings = data.join("labour/ilostat_khm_monthly_earnings.csv");
        std::fs::copy(&earnings, folder.join(LABOUR).join("hq.csv"))
            .with_context(|| format!("cannot copy {}", earnings.display()))?;
        Ok(Figures { folder })
    }

    pub fn of(&self, feed: &str, place: &str) -> PathBuf {
        self.folder.join(feed).join(place).with_extension("csv")
    }
}

fn prices(data: &Path, code: &str, to: &Path) -> Result<()> {
    let mut writer = writer(to)?;
    for (number, file) in PRICE_FILES.iter().enumerate() {
        let table = Table::read(&data.join("prices").join(file))?;
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
    let table = Table::read(&data.join("health/dengue_khm_province_quarterly.csv"))?;
    let (quarter, cases, reported) = (
        table.column("quarter")?,
        table.column("dengue_cases")?,
        table.column("months_reported")?,
    );
    let province = format!("KH{code}");
    let mut writer = writer(to)?;
    writer.write_record(DATA_VALUES)?;
    for row in table.rows_where("iso3166_2", iso)? {
        for (element, value) in [
            ("DENGUE_CASES", &row[cases]),
            ("EXPECTED_REPORTS", "3"),
            ("ACTUAL_REPORTS", &row[reported]),
        ] {
            writer.write_record([
                element,
                &row[quarter],
                &province,
                "default",
                "default",
                value,
                "",
                "",
                "",
            ])?;
        }
    }
    Ok(writer.flush()?)
}

fn wages(data: &Path, code: &str, to: &Path) -> Result<()> {
    let table = Table::read(&data.join("labour/wfp_khm_daily_wage_nonqualified.csv"))?;
    let (period, price) = (table.column("period")?, table.column("price")?);
    let province = format!("KH{code}");
    let mut writer = writer(to)?;
    writer.write_record(OBSERVATIONS)?;
    for row in table.rows_where("admin1_code", code)? {
        let month = row[period].replace('-', "M");
        let dimensions = [
            &province,
            "WFP_AMO",
            "EAR_DAYW_NB",
            "SEX_T",
            "OCU_ISCO08_9",
            "CUR_TYPE_USD",
            &month,
            &row[price],
            "",
        ];
        writer.write_record(dimensions)?;
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
