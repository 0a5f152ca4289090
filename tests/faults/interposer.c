/* Loaded with LD_PRELOAD: counts what a process does to the files below one folder, and makes the n-th call
 * fail, or ends the process there as a power cut would. For a power cut every change is written to a journal,
 * so that tests/faults/power.py can take back what was not synced. Unarmed, every call passes through. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, FAIL_EIO, FAIL_ENOSPC, SHORT_WRITE, POWER_CUT };
enum { WRITE, SYNC, RENAME, CREATE, LINK, MKDIR, TRUNCATE, UNLINK, RMDIR, KINDS };
enum { SHORT = -2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int armed, mode, mask, hit, journal = -1, blobs = -1;
static long target, calls, graves, kinds[KINDS];
static off_t blob_end;
static char root[PATH_MAX], graveyard[PATH_MAX];

#define REAL(name) ((__typeof__(&name))real(&real_##name, #name))
#define ORIGINAL(name) static void *real_##name
ORIGINAL(open); ORIGINAL(openat); ORIGINAL(write); ORIGINAL(pwrite); ORIGINAL(fsync); ORIGINAL(fdatasync);
ORIGINAL(renameat2); ORIGINAL(unlinkat); ORIGINAL(mkdir); ORIGINAL(mkdirat); ORIGINAL(link); ORIGINAL(linkat);
ORIGINAL(ftruncate);

static void *real(void **place, const char *name) {
    if (!*place) *place = dlsym(RTLD_NEXT, name);
    return *place;
}

/* ------------------------------------------------------------------------------------------ control */

void faults_arm(const char *folder, int new_mode, long n, int kinds_mask, const char *journal_folder) {
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    snprintf(root, sizeof root, "%s/", folder);
    mode = new_mode, target = n, mask = kinds_mask, calls = hit = 0, graves = 0, blob_end = 0;
    memset(kinds, 0, sizeof kinds);
    journal = blobs = -1;
    if (mode == POWER_CUT) {
        snprintf(graveyard, sizeof graveyard, "%s/graves", journal_folder);
        REAL(mkdir)(graveyard, 0700);
        snprintf(path, sizeof path, "%s/journal", journal_folder);
        journal = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        snprintf(path, sizeof path, "%s/blobs", journal_folder);
        blobs = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    armed = 1;
    pthread_mutex_unlock(&lock);
}

/* Returns the calls counted. `by_kind` receives KINDS numbers, and `met` the kind of call that met the fault. */
long faults_disarm(long *by_kind, int *met) {
    pthread_mutex_lock(&lock);
    armed = 0;
    if (journal >= 0) close(journal), close(blobs);
    memcpy(by_kind, kinds, sizeof kinds);
    long result = calls;
    *met = hit - 1;
    pthread_mutex_unlock(&lock);
    return result;
}

/* -------------------------------------------------------------------------------- which calls count */

static int ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && !strcmp(text + a - b, end);
}

static int watched(const char *path) {
    return armed && !strncmp(path, root, strlen(root)) && !ends_with(path, "-shm") && !ends_with(path, "lock");
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = 0;
    return n > 0 && watched(path);
}

static int path_at(int folder, const char *name, char *path) {
    path[0] = 0;
    if (name[0] == '/') snprintf(path, PATH_MAX, "%s", name);
    else if (folder != AT_FDCWD) {
        char base[PATH_MAX];
        path_of(folder, base);
        if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) path[0] = 0;
    }
    return watched(path);
}

/* 0: go on; SHORT: write half; otherwise the errno to fail with. Called with the lock held. */
static int step(int kind) {
    if (!armed) return 0;
    kinds[kind]++;
    if (!(mask >> kind & 1)) return 0;
    calls++;
    if (mode == FAIL_ENOSPC && hit && (kind == WRITE || kind == CREATE || kind == MKDIR)) return ENOSPC;
    if (calls != target) return 0;
    hit = kind + 1;
    switch (mode) {
    case FAIL_EIO: return EIO;
    case FAIL_ENOSPC: return ENOSPC;
    case SHORT_WRITE: return SHORT;
    case POWER_CUT:
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------ journal */

static void note(const char *format, ...) {
    char line[3 * PATH_MAX];
    va_list values;
    if (journal < 0) return;
    va_start(values, format);
    int n = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (REAL(write)(journal, line, n) != n) abort();
}

static off_t keep(const void *data, size_t n) {
    off_t start = blob_end;
    if (n && REAL(write)(blobs, data, n) != (ssize_t)n) abort();
    blob_end += n;
    return start;
}

/* Bytes [from, from + n) of a file that may be open for writing only. */
static off_t keep_old(const char *path, off_t from, size_t n) {
    char *data = malloc(n + 1);
    int fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, data, n, from) != (ssize_t)n) abort();
    close(fd);
    off_t start = keep(data, n);
    free(data);
    return start;
}

static ino_t folder_of(const char *path, const char **name) {
    char folder[PATH_MAX];
    struct stat facts;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    *slash = 0;
    *name = path + (slash - folder) + 1;
    return stat(folder, &facts) ? 0 : facts.st_ino;
}

static long bury(const char *path) {
    char grave[PATH_MAX + 32];
    struct stat facts;
    if (journal < 0 || lstat(path, &facts)) return -1;
    snprintf(grave, sizeof grave, "%s/%ld", graveyard, graves);
    if (REAL(link)(path, grave)) abort();
    return graves++;
}

/* -------------------------------------------------------------------------------------------- files */

static ssize_t write_at(int fd, const void *data, size_t n, off_t at, int positioned) {
    char path[PATH_MAX];
    if (!armed || !path_of(fd, path))
        return positioned ? REAL(pwrite)(fd, data, n, at) : REAL(write)(fd, data, n);
    pthread_mutex_lock(&lock);
    int verdict = step(WRITE);
    if (verdict > 0) {
        pthread_mutex_unlock(&lock);
        errno = verdict;
        return -1;
    }
    if (verdict == SHORT && n > 1) n /= 2;
    if (journal >= 0) {
        struct stat facts;
        fstat(fd, &facts);
        if (!positioned) at = fcntl(fd, F_GETFL) & O_APPEND ? facts.st_size : lseek(fd, 0, SEEK_CUR);
        off_t over = facts.st_size > at ? facts.st_size - at : 0;
        size_t old = over < (off_t)n ? (size_t)over : n;
        off_t old_blob = old ? keep_old(path, at, old) : 0;
        off_t new_blob = keep(data, n);
        note("W\t%lu\t%ld\t%ld\t%ld\t%ld\t%ld\t%ld\n", facts.st_ino, (long)at, (long)facts.st_size,
             (long)old_blob, (long)old, (long)new_blob, (long)n);
    }
    ssize_t done = positioned ? REAL(pwrite)(fd, data, n, at) : REAL(write)(fd, data, n);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *data, size_t n) { return write_at(fd, data, n, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return write_at(fd, data, n, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t n, off_t at) { return write_at(fd, data, n, at, 1); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    size_t total = 0, filled = 0;
    for (int i = 0; i < count; i++) total += parts[i].iov_len;
    char *data = malloc(total + 1);
    for (int i = 0; i < count; i++) {
        memcpy(data + filled, parts[i].iov_base, parts[i].iov_len);
        filled += parts[i].iov_len;
    }
    ssize_t done = write_at(fd, data, total, 0, 0);
    int error = errno;
    free(data);
    errno = error;
    return done;
}

static int sync_with(int fd, int (*call)(int)) {
    char path[PATH_MAX];
    struct stat facts;
    if (!armed || (!path_of(fd, path) && strncmp(path, root, strlen(root) - 1))) return call(fd);
    pthread_mutex_lock(&lock);
    int verdict = step(SYNC), done = -1, error = verdict;
    if (verdict <= 0) {
        done = call(fd), error = errno;
        fstat(fd, &facts);
        note("S\t%lu\n", facts.st_ino);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int fd) { return sync_with(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_with(fd, REAL(fdatasync)); }

static int truncate_fd(int fd, off_t size) {
    char path[PATH_MAX];
    struct stat facts;
    if (!armed || !path_of(fd, path)) return REAL(ftruncate)(fd, size);
    pthread_mutex_lock(&lock);
    int verdict = step(TRUNCATE), done = -1, error = verdict;
    if (verdict <= 0) {
        fstat(fd, &facts);
        off_t cut = facts.st_size > size ? facts.st_size - size : 0;
        off_t blob = cut && journal >= 0 ? keep_old(path, size, cut) : 0;
        note("T\t%lu\t%ld\t%ld\t%ld\t%ld\n", facts.st_ino, (long)size, (long)facts.st_size, (long)blob,
             (long)cut);
        done = REAL(ftruncate)(fd, size), error = errno;
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int ftruncate(int fd, off_t size) { return truncate_fd(fd, size); }
int ftruncate64(int fd, off_t size) { return truncate_fd(fd, size); }

static int open_with(int folder, const char *name, int flags, mode_t rights) {
    char path[PATH_MAX];
    struct stat facts;
    const char *last;
    if (!armed || !(flags & (O_CREAT | O_TRUNC)) || !path_at(folder, name, path))
        return REAL(openat)(folder, name, flags, rights);
    int exists = !stat(path, &facts);
    if (exists && !(flags & O_TRUNC && facts.st_size)) return REAL(openat)(folder, name, flags, rights);
    pthread_mutex_lock(&lock);
    int verdict = step(exists ? TRUNCATE : CREATE), done = -1, error = verdict;
    if (verdict <= 0) {
        if (exists && journal >= 0) {
            off_t blob = keep_old(path, 0, facts.st_size);
            note("T\t%lu\t0\t%ld\t%ld\t%ld\n", facts.st_ino, (long)facts.st_size, (long)blob,
                 (long)facts.st_size);
        }
        done = REAL(openat)(folder, name, flags, rights), error = errno;
        if (done >= 0 && !exists) {
            ino_t parent = folder_of(path, &last);
            note("C\t%lu\t%s\n", parent, last);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

#define RIGHTS(flags, rights)                      \
    mode_t rights = 0;                             \
    if (flags & (O_CREAT | __O_TMPFILE)) {         \
        va_list values;                            \
        va_start(values, flags);                   \
        rights = va_arg(values, mode_t);           \
        va_end(values);                            \
    }
int open(const char *path, int flags, ...) { RIGHTS(flags, r) return open_with(AT_FDCWD, path, flags, r); }
int open64(const char *path, int flags, ...) { RIGHTS(flags, r) return open_with(AT_FDCWD, path, flags, r); }
int openat(int at, const char *path, int flags, ...) { RIGHTS(flags, r) return open_with(at, path, flags, r); }
int openat64(int at, const char *path, int flags, ...) { RIGHTS(flags, r) return open_with(at, path, flags, r); }

/* ------------------------------------------------------------------------------------------ folders */

/* Runs `call` unless the fault hits, and notes it as `format` of folder, name and grave. */
#define CHANGE(kind, path, saved, call, tag)                                  \
    pthread_mutex_lock(&lock);                                                \
    int verdict = step(kind), done = -1, error = verdict;                     \
    if (verdict <= 0) {                                                       \
        const char *last;                                                     \
        ino_t parent = folder_of(path, &last);                                \
        long grave = saved;                                                   \
        done = call, error = errno;                                           \
        if (!done) note(tag "\t%lu\t%s\t%ld\n", parent, last, grave);         \
    }                                                                         \
    pthread_mutex_unlock(&lock);                                              \
    errno = error;                                                            \
    return done;

static int rename_with(int from, const char *old, int to, const char *new, unsigned flags) {
    char source[PATH_MAX], goal[PATH_MAX];
    const char *old_name, *new_name;
    int inside = armed && path_at(from, old, source);
    if (!inside || !path_at(to, new, goal)) return REAL(renameat2)(from, old, to, new, flags);
    pthread_mutex_lock(&lock);
    int verdict = step(RENAME), done = -1, error = verdict;
    if (verdict <= 0) {
        ino_t old_folder = folder_of(source, &old_name), new_folder = folder_of(goal, &new_name);
        long grave = bury(goal);
        done = REAL(renameat2)(from, old, to, new, flags), error = errno;
        if (!done) note("R\t%lu\t%s\t%lu\t%s\t%ld\n", old_folder, old_name, new_folder, new_name, grave);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int rename(const char *old, const char *new) { return rename_with(AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int a, const char *old, int b, const char *new) { return rename_with(a, old, b, new, 0); }
int renameat2(int a, const char *old, int b, const char *new, unsigned f) { return rename_with(a, old, b, new, f); }

int unlinkat(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    if (!armed || !path_at(folder, name, path)) return REAL(unlinkat)(folder, name, flags);
    if (flags & AT_REMOVEDIR) {
        struct stat facts;
        long ino = stat(path, &facts) ? 0 : (long)facts.st_ino;
        CHANGE(RMDIR, path, ino, REAL(unlinkat)(folder, name, flags), "D")
    }
    CHANGE(UNLINK, path, bury(path), REAL(unlinkat)(folder, name, flags), "U")
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t rights) {
    char path[PATH_MAX];
    if (!armed || !path_at(folder, name, path)) return REAL(mkdirat)(folder, name, rights);
    CHANGE(MKDIR, path, 0, REAL(mkdirat)(folder, name, rights), "M")
}
int mkdir(const char *path, mode_t rights) { return mkdirat(AT_FDCWD, path, rights); }

int linkat(int a, const char *old, int b, const char *new, int flags) {
    char path[PATH_MAX];
    if (!armed || !path_at(b, new, path)) return REAL(linkat)(a, old, b, new, flags);
    CHANGE(LINK, path, 0, REAL(linkat)(a, old, b, new, flags), "L")
}
int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }
