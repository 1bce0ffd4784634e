import java.io.IOException;

/**
 * Starts a converter for every picture and never calls waitFor(): the JVM waits for
 * it by itself. What it does not know are the helpers of its start script.
 */
public class Leak {
    private static void convert(int n) throws IOException {
        new ProcessBuilder("sh", "-c", "exit 0", "picture-" + n + ".png").start();
    }

    public static void main(String[] args) throws Exception {
        for (int n = 0; ; n++) {
            convert(n);
            Thread.sleep(250);
            if (n == 20) {
                System.out.println("settled");
            }
        }
    }
}
