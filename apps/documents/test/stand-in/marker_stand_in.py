"""A stand-in for marker-pdf: its commands, options and output, its ways to go wrong, and no models.

What goes wrong is said by the documents themselves: a PDF whose text has `stand-in: hang` hangs
whoever converts it. How long the models take to load, and a document to convert, stands in
`stand-in.json` beside `bin/`. Each load of models is noted in `loads.log` there, with the process
that did it.
"""

import argparse
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

HOME = Path(sys.prefix)
MAJOR = int(version("marker-pdf").split(".")[0])
SETTINGS = json.loads((HOME / "stand-in.json").read_text())


def options(program):
    parser = argparse.ArgumentParser(prog=program, allow_abbrev=False)
    parser.add_argument("source", metavar="IN_FOLDER" if program == "marker" else "FPATH")
    parser.add_argument("--output_dir", default=str(HOME / "conversion_results"))
    parser.add_argument("--output_format", choices=["markdown", "json", "html", "chunks"], default="markdown")
    parser.add_argument("--page_range")
    for flag in (
        "--paginate_output",
        "--disable_image_extraction",
        "--disable_multiprocessing",
        "--disable_tqdm",
        "--disable_ocr",
        "--force_ocr",
    ):
        parser.add_argument(flag, action="store_true")
    if MAJOR >= 2:
        parser.add_argument("--mode", choices=["balanced", "fast"])
    if program == "marker":
        parser.add_argument("--workers", type=int)
        parser.add_argument("--max_tasks_per_worker", type=int, default=10 if MAJOR < 2 else 200)
        parser.add_argument("--skip_existing", action="store_true")
        parser.add_argument("--max_files", type=int)
    return parser.parse_args()


def say(level, message):
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')},000 [{level}] marker: {message}", file=sys.stderr, flush=True)


def load_models():
    if SETTINGS.get("noModels"):
        time.sleep(0.2)
        raise ConnectionError(
            "HTTPSConnectionPool(host='models.datalab.to', port=443): Max retries exceeded with url: /layout/manifest.json"
        )
    time.sleep(SETTINGS.get("loadSeconds", 0))
    with open(HOME / "loads.log", "a") as log:
        log.write(f"{os.getpid()} {os.getppid()} {sys.argv[0]}\n")


def read_pages(path):
    """The text of each page, of PDFs whose content is not compressed."""
    data = Path(path).read_bytes()
    if not data.startswith(b"%PDF-"):
        raise ValueError("Failed to load document (PDFium: Data format error).")
    pages = re.findall(rb"BT (.*?)ET", data, re.S)
    return [
        "\n".join(
            re.sub(rb"\\(.)", rb"\1", text).decode("latin-1")
            for text in re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", page)
        )
        for page in pages
    ]


def parse_range(text):
    numbers = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return sorted(numbers)


def convert(path, args):
    stem = Path(path).stem
    folder = Path(args.output_dir) / stem
    folder.mkdir(parents=True, exist_ok=True)
    pages = read_pages(path)
    time.sleep(SETTINGS.get("convertSeconds", 0))
    for fault in re.findall(r"stand-in: ([\w-]+)", "\n".join(pages)):
        FAULTS[fault](folder, stem)
    numbers = range(len(pages)) if args.page_range is None else parse_range(args.page_range)
    assert max(numbers) < len(pages) and min(numbers) >= 0, (
        f"Invalid page range, values must be between 0 and {len(pages) - 1}."
    )
    text = "".join(
        (f"\n\n{{{n}}}{'-' * 48}\n\n" if args.paginate_output else "\n\n") + pages[n] for n in numbers
    )
    if "stand-in: blank" in text:
        text = ""
    write(folder / f"{stem}.md", text)
    write(folder / f"{stem}_meta.json", json.dumps({"page_stats": [{"page_id": n} for n in numbers]}))
    return len(pages)


def write(path, text):
    with open(path, "w+", encoding="utf-8") as file:
        file.write(text)


def hang(*_):
    while True:
        time.sleep(3600)


def give_up(*_):
    raise RuntimeError("the layout of this page is beyond me")


def grow(*_):
    hoard = []
    while True:
        hoard.append(bytearray(os.urandom(1 << 20)) * 32)
        time.sleep(0.02)


def daemonize(*_):
    """As `nvidia-cuda-mps-control -d` does it: a child of nobody, in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            hang()
        os._exit(0)
    os.wait()


def hold_lock_and_die(*_):
    lock = multiprocessing.get_context("spawn").Lock()
    with lock:
        os._exit(1)


def idle():
    pass


def hold_pool_and_die(*_):
    pool = multiprocessing.get_context("spawn").Pool(1, initializer=idle)
    pool.apply(idle)
    for child in multiprocessing.active_children():
        child.kill()
        child.join()
    os._exit(1)


def half_write(folder, stem):
    write(folder / f"{stem}.md", "Half a docu")
    raise OSError(28, "No space left on device")


def write_and_die(folder, stem):
    write(folder / f"{stem}.md", "Whole, and then dead.")
    write(folder / f"{stem}_meta.json", "{}")
    os.kill(os.getpid(), signal.SIGSEGV)


def kill_parent(*_):
    """A pool's worker ends the whole program; whoever is no worker, itself alone."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getppid(), signal.SIGKILL)
    os._exit(1)


def share_memory(*_):
    Path("/dev/shm/stand-in").write_bytes(bytes(1 << 20))


FAULTS = {
    "hang": hang,
    "give-up": give_up,
    "grow": grow,
    "daemon": daemonize,
    "shared-memory": share_memory,
    "blank": lambda *_: None,
    "half": half_write,
    "write-and-die": write_and_die,
    "lock-and-die": hold_lock_and_die,
    "pool-and-die": hold_pool_and_die,
    "segfault": lambda *_: os.kill(os.getpid(), signal.SIGSEGV),
    "killed": lambda *_: os.kill(os.getpid(), signal.SIGKILL),
    "kill-parent": kill_parent,
}


def single():
    args = options("marker_single")
    load_models()
    if os.path.isdir(args.source):
        raise IsADirectoryError(args.source)
    convert(args.source, args)
    say("INFO", f"Saved markdown to {args.output_dir}")


def convert_in_pool(job):
    path, args = job
    if args.skip_existing and (Path(args.output_dir) / Path(path).stem).exists():
        return 0
    try:
        return convert(path, args)
    except Exception as error:
        say("ERROR", f"Error converting {path}: {error}")
        return 0


def start_server():
    """2.x: the models live in a server that the workers share, and that is stopped at the end."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(86400)"])


def many():
    # It does so whatever it was told.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "2"
    args = options("marker")
    folder = os.path.abspath(args.source)
    files = [os.path.join(folder, name) for name in os.listdir(folder)]
    files = [path for path in files if os.path.isfile(path)][: args.max_files]
    server = start_server() if MAJOR >= 2 and not args.disable_ocr else None
    processes = max(1, min(len(files), args.workers or 1))
    say("INFO", f"Converting {len(files)} pdfs in chunk 1/1 with {processes} processes and saving to {args.output_dir}")
    since = time.time()
    pages = 0
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=load_models, maxtasksperchild=args.max_tasks_per_worker) as pool:
        for count in pool.imap_unordered(convert_in_pool, [(path, args) for path in files]):
            pages += count
    took = time.time() - since
    if server is not None:
        server.terminate()
        server.wait()
    print(f"Inferenced {pages} pages in {took:.2f} seconds, for a throughput of {pages / took:.2f} pages/sec for chunk 1/1")
