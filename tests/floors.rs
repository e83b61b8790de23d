//! The floors of the house: `docs/architecture.md` lists the modules, those above use those below. The sources are held against
//! it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The modules of each floor, from the top.
fn floors() -> Vec<Vec<String>> {
    let architecture = read("docs/architecture.md");
    let rows =
        architecture.lines().skip_while(|line| !line.starts_with("| floor |")).skip(2).take_while(|line| line.starts_with('|'));
    let modules = |row: &str| {
        let folders = row.split('|').nth(2).unwrap();
        let paths = folders.split('`').skip(1).step_by(2).filter_map(|path| path.strip_prefix("src/"));
        paths.map(|path| path.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect()
    };
    rows.map(modules).filter(|modules: &Vec<String>| !modules.is_empty()).collect()
}

/// All sources but those of tests, with the module at the root that they belong to.
fn sources() -> Vec<(String, PathBuf)> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                collect(&entry, files);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                files.push(entry);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let module = |file: PathBuf| {
        let first = file.strip_prefix(&root).unwrap().iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        (first, file)
    };
    let name = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    files.retain(|file| !name(file).contains("test") && name(file) != "lib");
    files.into_iter().map(module).collect()
}

/// The code of a source without its comments and the tests at its end.
fn code(source: &str) -> String {
    let tests = ["#[cfg(test)]\nmod tests", "#[cfg(all(test"].iter().filter_map(|start| source.find(start)).min();
    let lines = source[..tests.unwrap_or(source.len())].lines();
    lines.map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The first names of all paths that begin with `crate::`, in groups, too.
fn used(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c == '$' || c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + start.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            continue;
        };
        let (mut depth, mut name) = (0, String::new());
        for c in group.chars() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => names.push(std::mem::take(&mut name)),
                _ if depth == 0 => name.push(c),
                _ => {}
            }
        }
        names.push(name);
    }
    names.iter().map(|name| name.trim().split("::").next().unwrap().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// From which module the root exports each name.
fn exported() -> BTreeMap<String, String> {
    let root = code(&read("src/lib.rs"));
    let mut exports = BTreeMap::new();
    for line in root.split("pub use ").skip(1) {
        let Some((module, names)) = line.split(';').next().unwrap().split_once("::") else { continue };
        for name in names.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| !name.is_empty()) {
            exports.insert(name.to_owned(), module.to_owned());
        }
    }
    exports
}

/// Which uses of `sources` lead from a module to one that is not below it.
fn upwards(floors: &[Vec<String>], sources: &[(String, String, String)]) -> Vec<String> {
    let exports = exported();
    let floor = |module: &str| floors.iter().position(|floor| floor.iter().any(|name| name == module));
    let mut wrong = Vec::new();
    for (module, file, code) in sources {
        let Some(own) = floor(module) else {
            wrong.push(format!("{file}: the module `{module}` is on no floor of docs/architecture.md"));
            continue;
        };
        for name in used(code) {
            let target = exports.get(&name).unwrap_or(&name);
            // what is not a module of the crate is a macro or the error type's short cut
            let Some(other) = floor(target) else { continue };
            if target != module && other <= own {
                wrong.push(format!("{file}: `{module}` uses `{target}`, which is not below it"));
            }
        }
    }
    wrong
}

#[test]
fn modules_use_those_below_them() {
    let read = |(module, file): (String, PathBuf)| {
        let source = fs::read_to_string(&file).unwrap();
        (module, file.display().to_string(), code(&source))
    };
    let sources: Vec<_> = sources().into_iter().map(read).collect();
    assert!(sources.len() > 200 && floors().len() > 10);
    let wrong = upwards(&floors(), &sources);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_use_of_a_module_above_is_found() {
    let planted = |code: &str| upwards(&floors(), &[("number".into(), "planted".into(), code.into())]).len();
    assert_eq!(planted("use crate::{error::Error, solver::{Adaptive, DOPRI5}, state::State};"), 2);
    assert_eq!(planted("let x = crate::exact::expm(m); crate::Result::Ok(())"), 1);
    assert_eq!(planted("use crate::FlowMap;"), 1, "through the root, too");
    assert_eq!(planted("$crate::exact::Rotation; a_crate::solver"), 0);
}
