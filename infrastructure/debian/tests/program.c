// Stands for the real program where a package is built: prints a version, writes a manual page, prints completions.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int main(int count, char **arguments) {
    const char *command = count > 1 ? arguments[1] : "";
    const char *argument = count > 2 ? arguments[2] : "";
    if (!strcmp(command, "--version")) {
        puts("dezky 0.1.0-rc.1");
    } else if (!strcmp(command, "completions")) {
        printf("# completions of %s\n", argument);
    } else if (!strcmp(command, "man")) {
        const char *pages[] = {"dezky", "dezky-serve", "dezky-worker"};
        mkdir(argument, 0755);
        for (int each = 0; each < 3; each++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s.1", argument, pages[each]);
            FILE *page = fopen(path, "w");
            if (!page) return 1;
            fprintf(page, ".TH %s 1\n.SH NAME\n%s \\- stands for the real program\n.SH DESCRIPTION\nNothing.\n", pages[each], pages[each]);
            fclose(page);
        }
        // As the real one does, on the output that a script may read; and a word of another language, as its mail has.
        printf("the manual pages of the Plattform are in %s\n", argument);
    } else {
        return 2;
    }
    return 0;
}
