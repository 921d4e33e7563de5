//! Calls of compose in scripts, Makefiles, READMEs and comments, as far as they say which files belong together.

use pest::Parser;

use super::grammar::{Grammar, Rule};

/// The files of every call that names any, in order (`-f a -f b`).
pub fn compose_calls(text: &str) -> Vec<Vec<String>> {
    let Some(whole) = Grammar::parse(Rule::script, text)
        .ok()
        .and_then(|mut pairs| pairs.next())
    else {
        return Vec::new();
    };
    whole
        .into_inner()
        .filter(|part| part.as_rule() == Rule::compose_call)
        .map(|call| {
            call.into_inner()
                .filter(|part| part.as_rule() == Rule::file_flag)
                .filter_map(|flag| flag.into_inner().next())
                .map(|file| file.as_str().to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|files| !files.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_give_their_files_and_stop_at_the_subcommand() {
        let text = "up:\n\tdocker compose -f a.yml --profile x -f b.yml up -d\n# docker-compose --file=c.yml \\\n   -f \"d.yml\" logs -f web\n\
                    docker run -f x\n`docker compose -f e.yml`\ndocker compose up\n";
        let calls = compose_calls(text);
        assert_eq!(
            calls,
            [
                vec!["a.yml", "b.yml"],
                vec!["c.yml", "d.yml"],
                vec!["e.yml"]
            ]
        );
    }
}
