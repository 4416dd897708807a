import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Arrays as NAME.txt, a line "name dtype sizes" for each, and NAME.bin, their bytes one after another. */
final class Bundle {
    record Array(String dtype, long[] shape, ByteBuffer data) {}

    private Bundle() {}

    static Map<String, Array> read(Path folder, String name) throws IOException {
        ByteBuffer data = ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name + ".bin")));
        Map<String, Array> arrays = new LinkedHashMap<>();
        for (String line : Files.readAllLines(folder.resolve(name + ".txt"))) {
            String[] words = line.split(" ", -1);
            long[] shape = words[2].isEmpty() ? new long[0]
                : Arrays.stream(words[2].split(",")).mapToLong(Long::parseLong).toArray();
            int size = Integer.parseInt(words[3]);
            ByteBuffer own = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
            own.put(data.slice(data.position(), size)).flip();
            data.position(data.position() + size);
            arrays.put(words[0], new Array(words[1], shape, own));
        }
        return arrays;
    }

    static void write(Path folder, String name, Map<String, Array> arrays) throws IOException {
        StringBuilder lines = new StringBuilder();
        int total = arrays.values().stream().mapToInt(a -> a.data().remaining()).sum();
        ByteBuffer data = ByteBuffer.allocate(total);
        for (var entry : arrays.entrySet()) {
            Array array = entry.getValue();
            String shape = String.join(",", Arrays.stream(array.shape()).mapToObj(Long::toString).toList());
            lines.append(String.join(" ", entry.getKey(), array.dtype(), shape, "" + array.data().remaining()));
            lines.append("\n");
            data.put(array.data().duplicate());
        }
        Files.write(folder.resolve(name + ".bin"), data.array());
        Files.writeString(folder.resolve(name + ".txt"), lines.toString());
    }
}
