#define NCURSES_WIDECHAR 1

#include "tui/term.h"

#include "tui/keys.h"

#include <curses.h>
#include <term.h>

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* curses knows one screen per process, so this is the one place with a state of its own */
static struct {
        bool open, color;
        int wake[2];
        struct sigaction before[6];
} term = {.wake = {-1, -1}};

/* Handlers only take note: the loop acts, between two paints */
static volatile sig_atomic_t ending, stopping, continued;

static const int handled[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT};

static void on_signal(int sig) {
        if (sig == SIGTSTP)
                stopping = 1;
        else if (sig == SIGCONT)
                continued = 1;
        else
                ending = sig;
        imm_term_wake();
}

void imm_term_wake(void) {
        int e = errno;

        if (term.wake[1] >= 0)
                (void)!write(term.wake[1], "x", 1);
        errno = e;
}

static void set_colors(void) {
        static const short colors[IMM_STYLE_N] = {
                [IMM_STYLE_NORMAL] = -1,
                [IMM_STYLE_FAINT] = -1,
                [IMM_STYLE_STRONG] = -1,
                [IMM_STYLE_GOOD] = COLOR_GREEN,
                [IMM_STYLE_FAIR] = COLOR_YELLOW,
                [IMM_STYLE_BAD] = COLOR_RED,
                [IMM_STYLE_TITLE] = -1,
                [IMM_STYLE_KEY] = COLOR_CYAN,
        };

        if (!term.color || !has_colors() || start_color() == ERR || use_default_colors() == ERR) {
                term.color = false;
                return;
        }
        for (int i = 1; i < IMM_STYLE_N; i++)
                (void)init_pair((short)i, colors[i], -1);
        if (COLORS >= 256)
                (void)init_pair(IMM_STYLE_FAINT, 244, -1);
}

static void handle_signals(void) {
        struct sigaction sa = {.sa_handler = on_signal};

        (void)sigemptyset(&sa.sa_mask);
        for (size_t i = 0; i < IMM_ELEMENTSOF(handled); i++)
                (void)sigaction(handled[i], &sa, &term.before[i]);
}

static void restore_signals(void) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(handled); i++)
                (void)sigaction(handled[i], &term.before[i], NULL);
}

static int unknown_terminal(struct imm_err *err) {
        const char *name = getenv("TERM");

        return imm_err_set(err, -EINVAL,
                "the terminal '%s' cannot show the review; set TERM to one that can, such as "
                "vt100, or use `immure scan`, `show` and `report`",
                name ? name : "");
}

/* Terminals send these whether or not they were told how to (as vt100 does, or as xterm) */
static void know_keys(void) {
        static const struct {
                const char *sequence;
                int key;
        } known[] = {{"[A", KEY_UP}, {"[B", KEY_DOWN}, {"[C", KEY_RIGHT}, {"[D", KEY_LEFT},
                {"OA", KEY_UP}, {"OB", KEY_DOWN}, {"OC", KEY_RIGHT}, {"OD", KEY_LEFT},
                {"[H", KEY_HOME}, {"[F", KEY_END}, {"OH", KEY_HOME}, {"OF", KEY_END},
                {"[1~", KEY_HOME}, {"[4~", KEY_END}, {"[7~", KEY_HOME}, {"[8~", KEY_END},
                {"[5~", KEY_PPAGE}, {"[6~", KEY_NPAGE}, {"[3~", KEY_DC}, {"[Z", KEY_BTAB},
                {"OP", KEY_F(1)}, {"[11~", KEY_F(1)}, {"[15~", KEY_F(5)}, {"OM", KEY_ENTER}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(known); i++) {
                char sequence[8] = "\033";

                memcpy(sequence + 1, known[i].sequence, strlen(known[i].sequence));
                if (key_defined(sequence) == 0)
                        (void)define_key(sequence, known[i].key);
        }
}

static void close_quietly(void) {
        (void)imm_term_close();
}

/* Terminals that are newer than many a host's list of them, and understand what xterm does */
static SCREEN *open_screen(void) {
        static const char *const like_xterm[] = {
                "xterm", "alacritty", "contour", "foot", "ghostty", "kitty", "rio", "wezterm"};
        const char *name = getenv("TERM");
        SCREEN *screen = newterm(NULL, stdout, stdin); /* initscr() would end the process */

        for (size_t i = 0; !screen && name && i < IMM_ELEMENTSOF(like_xterm); i++)
                if (imm_after(name, like_xterm[i]))
                        screen = newterm("xterm-256color", stdout, stdin);
        if (screen && !cursor_address) { /* dumb */
                (void)endwin();
                delscreen(screen);
                return NULL;
        }
        return screen;
}

int imm_term_open(bool color, struct imm_err *err) {
        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
                return imm_err_set(err, -ENOTTY,
                        "the review needs a terminal; `immure scan`, `show` and `report` print "
                        "without one");
        if (pipe2(term.wake, O_CLOEXEC | O_NONBLOCK) < 0)
                return imm_err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
        handle_signals(); /* before curses would bring handlers of its own */
        if (!open_screen()) {
                restore_signals();
                return unknown_terminal(err);
        }
        term.open = true;
        term.color = color;
        set_escdelay(25);
        (void)cbreak();
        (void)noecho();
        (void)nonl();
        (void)keypad(stdscr, true);
        know_keys();
        (void)nodelay(stdscr, true);
        (void)curs_set(0);
        /* presses alone: waiting for what could become a click would cost a sixth of a second */
        (void)mouseinterval(0);
        (void)mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
        set_colors();
        imm_on_oom(close_quietly);
        return 0;
}

int imm_term_close(void) {
        if (!term.open)
                return 0;
        term.open = false;
        (void)endwin();
        restore_signals();
        for (size_t i = 0; i < 2; i++) {
                (void)close(term.wake[i]);
                term.wake[i] = -1;
        }
        imm_on_oom(NULL);
        return ending;
}

static struct imm_event resized(void) {
        struct winsize w;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 && w.ws_col > 0)
                (void)resize_term(w.ws_row, w.ws_col); /* resizeterm() would tell us again */
        return (struct imm_event){.kind = IMM_EVENT_RESIZE, .row = LINES, .col = COLS};
}

/* The shell gets its terminal as it was, and we ours when it lets us on again. */
static struct imm_event suspend(void) {
        struct sigaction sa = {.sa_handler = SIG_DFL}, ours;

        (void)endwin();
        (void)sigemptyset(&sa.sa_mask);
        (void)sigaction(SIGTSTP, &sa, &ours);
        (void)raise(SIGTSTP);
        (void)sigaction(SIGTSTP, &ours, NULL);
        stopping = continued = 0;
        imm_term_redraw();
        return resized();
}

void imm_term_redraw(void) {
        (void)reset_prog_mode();
        (void)clearok(curscr, true);
        (void)refresh();
        (void)curs_set(0);
}

void imm_term_size(int *ret_rows, int *ret_cols) {
        *ret_rows = LINES;
        *ret_cols = COLS;
}

bool imm_term_ascii(void) {
        return !imm_streq(nl_langinfo(CODESET), "UTF-8");
}

static attr_t attributes(uint8_t style) {
        static const attr_t attrs[IMM_STYLE_N] = {
                [IMM_STYLE_STRONG] = A_BOLD,
                [IMM_STYLE_BAD] = A_BOLD,
                [IMM_STYLE_TITLE] = A_REVERSE,
                [IMM_STYLE_KEY] = A_BOLD,
        };
        uint8_t meaning = style & 0x7f;
        attr_t a = attrs[meaning];

        if (style & IMM_STYLE_SELECTED)
                a |= A_REVERSE;
        if (!term.color && meaning == IMM_STYLE_FAINT)
                a |= A_DIM;
        return a;
}

void imm_term_show(const struct imm_canvas *c) {
        for (int row = 0; row < c->rows && row < LINES; row++) {
                (void)move(row, 0);
                for (int col = 0; col < c->cols && col < COLS; col++) {
                        const struct imm_cell *cell = &c->cells[row * c->cols + col];

                        if (!cell->text[0]) /* the right half of a wide one */
                                continue;
                        (void)attr_set(attributes(cell->style),
                                term.color ? (short)(cell->style & 0x7f) : 0, NULL);
                        (void)mvaddstr(row, col, cell->text);
                }
        }
        (void)refresh();
}

static struct imm_event mouse(void) {
        struct imm_event e = {.kind = IMM_EVENT_NONE};
        MEVENT m;

        if (getmouse(&m) == ERR)
                return e;
        e.row = m.y;
        e.col = m.x;
        if (m.bstate & (BUTTON4_PRESSED | BUTTON5_PRESSED)) {
                e.kind = IMM_EVENT_WHEEL;
                e.down = !(m.bstate & BUTTON4_PRESSED);
        } else if (m.bstate & BUTTON1_PRESSED)
                e.kind = IMM_EVENT_CLICK;
        return e;
}

static int key_of(wint_t c) {
        static const struct {
                int curses, key;
        } keys[] = {{KEY_UP, IMM_KEY_UP}, {KEY_DOWN, IMM_KEY_DOWN}, {KEY_LEFT, IMM_KEY_LEFT},
                {KEY_RIGHT, IMM_KEY_RIGHT}, {KEY_PPAGE, IMM_KEY_PGUP}, {KEY_NPAGE, IMM_KEY_PGDN},
                {KEY_HOME, IMM_KEY_HOME}, {KEY_END, IMM_KEY_END}, {KEY_BTAB, IMM_KEY_BACKTAB},
                {KEY_BACKSPACE, IMM_KEY_BACKSPACE}, {KEY_DC, IMM_KEY_DELETE},
                {KEY_ENTER, IMM_KEY_ENTER}, {KEY_F(1), IMM_KEY_F1}, {KEY_F(5), IMM_KEY_F5}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(keys); i++)
                if ((int)c == keys[i].curses)
                        return keys[i].key;
        return IMM_KEY_NONE;
}

/*
 * What follows Esc in the same moment is a sequence that nobody knows (a key with a modifier, a
 * paste): it is no Esc, and what it consists of are no keys. One that is only begun is pushed back.
 */
static bool is_sequence(void) {
        wint_t first = 0, c = 0;
        int r = get_wch(&first);

        if (r == KEY_CODE_YES)
                (void)ungetch((int)first);
        if (r != OK)
                return false;
        if ((first != '[' && first != 'O') || get_wch(&c) != OK) {
                (void)unget_wch((wchar_t)first);
                return false;
        }
        while (first == '[' && c < 0x40 && get_wch(&c) == OK)
                ;
        return true;
}

static struct imm_event next_key(void) {
        struct imm_event e = {.kind = IMM_EVENT_NONE};
        wint_t c = 0;

        switch (get_wch(&c)) {
        case KEY_CODE_YES:
                if (c == KEY_MOUSE)
                        return mouse();
                if (c == KEY_RESIZE)
                        return (struct imm_event){
                                .kind = IMM_EVENT_RESIZE, .row = LINES, .col = COLS};
                e.key = key_of(c);
                e.kind = e.key == IMM_KEY_NONE ? IMM_EVENT_NONE : IMM_EVENT_KEY;
                return e;
        case OK:
                if (c == IMM_KEY_ESC && is_sequence())
                        return e;
                e.kind = IMM_EVENT_KEY;
                e.key = c == '\r' ? IMM_KEY_ENTER : (int)c;
                return e;
        default:
                return e;
        }
}

static bool told(struct imm_event *ret) {
        if (ending)
                *ret = (struct imm_event){.kind = IMM_EVENT_END};
        else if (stopping)
                *ret = suspend();
        else if (continued) { /* whoever stopped us may have left anything on the screen */
                continued = 0;
                imm_term_redraw();
                *ret = resized();
        } else
                return false;
        return true;
}

struct imm_event imm_term_wait(int timeout_ms) {
        struct pollfd p[] = {
                {.fd = STDIN_FILENO, .events = POLLIN}, {.fd = term.wake[0], .events = POLLIN}};
        struct imm_event e;
        char drain[64];

        if (told(&e))
                return e;
        e = next_key(); /* what curses has already read, and SIGWINCH */
        if (e.kind != IMM_EVENT_NONE)
                return e;
        (void)poll(p, 2, timeout_ms);
        while (read(term.wake[0], drain, sizeof(drain)) > 0)
                ;
        if (told(&e))
                return e;
        if (p[0].revents & (POLLHUP | POLLERR | POLLNVAL))
                return (struct imm_event){.kind = IMM_EVENT_END};
        return next_key();
}

/* Base64 is all that OSC 52 takes, so nothing of the text reaches the terminal as it is. */
void imm_term_copy(const char *text) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        size_t n = strlen(text);

        if (!term.open || n > 64 * 1024)
                return;
        fputs("\033]52;c;", stdout);
        for (size_t i = 0; i < n; i += 3) {
                unsigned char b[3] = {0};
                unsigned v;

                memcpy(b, text + i, n - i < 3 ? n - i : 3);
                v = (unsigned)b[0] << 16 | (unsigned)b[1] << 8 | b[2];
                for (size_t k = 0; k < 4; k++)
                        putchar(k > n - i ? '=' : digits[v >> (18 - 6 * k) & 63]);
        }
        putchar('\a');
        (void)fflush(stdout);
}
