//! rivals ENGINE TASK MODE FILE: one measurement, in the words that text.py understands.
use std::time::Instant;

use text_splitter::{ChunkConfig, ChunkSizer, MarkdownSplitter, TextSplitter};

const CAP: usize = 512;

struct Toktok(toktok::Tokenizer);

impl ChunkSizer for &Toktok {
    fn size(&self, chunk: &str) -> usize {
        self.0.count(chunk.as_bytes())
    }
}

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What a result is checked by: how many, and a sum that depends on order.
type Outcome = (usize, u64);

fn of_ids(ids: &[u32]) -> Outcome {
    let sum = ids.iter().enumerate().fold(0u64, |sum, (i, &id)| sum.wrapping_add((i as u64 + 1).wrapping_mul(id as u64)));
    (ids.len(), sum)
}

fn task(engine: &str, task: &str) -> Box<dyn Fn(&str) -> Outcome> {
    let (encoding, what) = task.split_once('/').expect("a task is ENCODING/WHAT");
    match (engine, what) {
        ("toktok", "encode") => {
            let tokenizer = toktok::Tokenizer::builtin(encoding).unwrap();
            Box::new(move |text| of_ids(&tokenizer.encode(text.as_bytes())))
        }
        ("toktok", "count") => {
            let tokenizer = toktok::Tokenizer::builtin(encoding).unwrap();
            Box::new(move |text| (tokenizer.count(text.as_bytes()), 0))
        }
        ("bpe-openai", _) => {
            let tokenizer = if encoding == "cl100k_base" { bpe_openai::cl100k_base() } else { bpe_openai::o200k_base() };
            if what == "encode" {
                Box::new(move |text| of_ids(&tokenizer.encode(text)))
            } else {
                Box::new(move |text| (tokenizer.count(text), 0))
            }
        }
        ("text-splitter + toktok", _) => {
            let sizer: &'static Toktok = Box::leak(Box::new(Toktok(toktok::Tokenizer::builtin(encoding).unwrap())));
            let config = ChunkConfig::new(CAP).with_sizer(sizer).with_trim(false);
            chunker(what, config)
        }
        ("text-splitter + tiktoken-rs", _) => {
            let config = ChunkConfig::new(CAP).with_sizer(tiktoken_rs::cl100k_base().unwrap()).with_trim(false);
            chunker(what, config)
        }
        _ => panic!("no such engine and task"),
    }
}

fn chunker<S: ChunkSizer + 'static>(what: &str, config: ChunkConfig<S>) -> Box<dyn Fn(&str) -> Outcome> {
    if what == "markdown" {
        let splitter = MarkdownSplitter::new(config);
        Box::new(move |text| (splitter.chunk_indices(text).count(), 0))
    } else {
        let splitter = TextSplitter::new(config);
        Box::new(move |text| (splitter.chunk_indices(text).count(), 0))
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, engine, what, mode, file] = &arguments[..] else { panic!("rivals ENGINE TASK MODE FILE") };
    let text = std::fs::read_to_string(file).unwrap();
    let resident = resident_kib();
    let start = Instant::now();
    let run = task(engine, what);
    run("Hello");
    let load = start.elapsed().as_secs_f64();
    let loaded = resident_kib().saturating_sub(resident);
    let middle = text[..text.len() / 2 + text[text.len() / 2..].find('\n').unwrap_or(0)].len();
    let timed = if mode == "halves" { &text[middle..] } else { &text[..] };
    if mode == "halves" {
        run(&text[..middle]);
    }
    let mut seconds = Vec::new();
    let mut outcome = (0, 0);
    for _ in 0..if mode == "first" { 1 } else { 5 } {
        let start = cpu_seconds();
        outcome = run(timed);
        seconds.push(cpu_seconds() - start);
    }
    let warm = seconds.iter().skip(1).cloned().fold(f64::INFINITY, f64::min).min(if seconds.len() == 1 { seconds[0] } else { f64::INFINITY });
    println!(
        "{{\"bytes\":{},\"first\":{:.6},\"warm\":{:.6},\"count\":{},\"sum\":{},\"load\":{:.4},\"kib\":{}}}",
        timed.len(), seconds[0], warm, outcome.0, outcome.1, load, loaded
    );
}
